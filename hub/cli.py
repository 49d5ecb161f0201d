"""The command line: `smshub`, or `python -P -m hub.cli`."""

import click

from hub import health
from hub.commands import backup, connectors, keys, look, oauth, operate, provision, run, send, users

COMMANDS = (
    *(run.serve_command, run.web_command, run.worker_command, run.listen_command),
    *(
        operate.db,
        operate.check_command,
        operate.account,
        operate.credits_group,
        operate.pause,
        operate.resume,
        users.user,
        oauth.oauth,
        provision.number_group,
        provision.route_group,
        keys.keys_group,
    ),
    *(send.send, send.campaign, connectors.connectors_group, look.openapi_command),
)


class Commands(click.Group):
    """Those of the hub, and a group for each connector that has some: looked for when one of that name is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names."""
        return [*super().list_commands(ctx), *connectors.groups()]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The hub's own come first."""
        return super().get_command(ctx, cmd_name) or connectors.groups().get(cmd_name)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(health.VERSION, prog_name="smshub")
def main() -> None:
    """A self-hosted SMS hub. Commands talk to the hub that SMSHUB_URL and SMSHUB_API_KEY name, or work in the data folder SMSHUB_DATA."""


for command in COMMANDS:
    main.add_command(command)
for command in (backup.backup, backup.restored_command):
    operate.db.add_command(command)


if __name__ == "__main__":
    main()
