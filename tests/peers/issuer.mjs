// An authorization server that we did not write (npm oidc-provider): it rotates refresh tokens, and a second use of one ends the grant.
// On its output: first where it is, then a line for each grant, as it was asked for and whether it was given.
import { createServer } from "node:http";
import Provider, { errors } from "oidc-provider";

const server = createServer();
server.listen(0, "127.0.0.1", () => {
  const base = `http://127.0.0.1:${server.address().port}`;
  const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
  const provider = new Provider(base, {
    clients: [
      {
        client_id: "smshub",
        client_secret: "a secret: of ours & theirs",
        grant_types: ["authorization_code", "refresh_token", "client_credentials"],
        redirect_uris: ["https://hub.example.com/back"],
        response_types: ["code"],
        scope: "openid offline_access send",
      },
      // A mail server, which asks whether a token is good (RFC 7662).
      { client_id: "mails", client_secret: "asks", grant_types: [], redirect_uris: [], response_types: [] },
    ],
    scopes: ["openid", "offline_access", "send"],
    features: { clientCredentials: { enabled: true }, devInteractions: { enabled: true }, introspection: { enabled: true }, revocation: { enabled: true } },
    issueRefreshToken: () => true,
    pkce: { required: () => false },
    rotateRefreshToken: true,
    ttl: { AccessToken: 60, ClientCredentials: 60, IdToken: 60, RefreshToken: 3600, Grant: 3600, Session: 3600, Interaction: 600 },
  });
  const told = (given) => (context, error) =>
    say({ given, grant_type: context.oidc?.params?.grant_type, error: error instanceof errors.OIDCProviderError ? error.error : null });
  provider.on("grant.success", told(true));
  provider.on("grant.error", told(false));
  provider.on("server_error", (context, error) => process.stderr.write(`${error.stack}\n`));
  server.on("request", provider.callback());
  say({ base });
});
process.stdin.resume().on("end", () => process.exit(0));
