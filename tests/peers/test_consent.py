"""Chromium follows the answer of a consent to the application, which the page's own policy must let it do."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support import chromium
from tests.support.databases import SqliteFiles
from tests.support.pages import PASSWORD
from tests.support.peers import missing
from tests.support.provider import ANN
from tests.support.provider_site import Site, listening
from tests.support.receivers import Receiver, receiver

pytestmark = [pytest.mark.slow, pytest.mark.peer]


@pytest.mark.parametrize("button, told", [("allow", "code="), ("deny", "error=access_denied")])
def test_a_press_of_a_button_leads_back_to_the_application(
    sqlite_files: SqliteFiles, tmp_path: Path, button: str, told: str
) -> None:
    """Fails without `form_action` of the consent page: Chromium blocks the redirect that follows a form."""
    with listening(sqlite_files.fresh(tmp_path), tmp_path) as site, receiver() as application:
        seen = pressed(site, application, button)
    assert seen["url"].startswith(f"{application.url}?"), seen
    assert told in seen["url"]
    assert not [words for words in seen["said"] if "Content Security Policy" in words]


def pressed(site: Site, application: Receiver, button: str) -> Any:
    app = site.hub.register(redirects=[application.url])
    node, browser = shutil.which("node"), shutil.which("chromium") or shutil.which("chromium-browser")
    if node is None or browser is None or not (chromium.FOLDER / "node_modules" / "playwright-core").is_dir():
        missing("chromium", "node, chromium and playwright-core are needed")
    plan = {"chromium": browser, "url": f"{site.base}{site.hub.address(app)}", "email": ANN, "password": PASSWORD}
    asked = json.dumps(plan | {"button": button})
    line = [node, "consent.mjs"]
    options: dict[str, Any] = {"cwd": chromium.FOLDER, "input": asked, "timeout": chromium.PATIENCE_S, "text": True}
    done = subprocess.run(line, capture_output=True, check=False, **options)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
