"""The documentation as a site: it is complete, its links hold, and it loads nothing from elsewhere."""

import html.parser
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import deepsim_jax
from deepsim_jax import registry
from deepsim_jax.commands import verbs

ROOT = Path(deepsim_jax.__file__).parent.parent


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The built pages; a broken link, a name that is gone or an unknown option fails here."""
    folder = tmp_path_factory.mktemp("docs") / "site"
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", folder],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "NO_MKDOCS_2_WARNING": "1"},
        text=True,
        capture_output=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


class _Loaded(html.parser.HTMLParser):
    """Addresses of what a browser loads to show a page; links to be clicked are none of it."""

    def __init__(self):
        super().__init__()
        self.addresses = []

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if tag == "link" and attributes.get("rel") not in ("canonical", "prev", "next"):
            self.addresses.append(attributes["href"])
        elif tag in ("script", "img", "iframe", "source", "video"):
            self.addresses.append(attributes.get("src") or "")


def test_pages_load_nothing_from_elsewhere(site):
    pages = list(site.rglob("*.html"))
    assert len(pages) > 12
    addresses = []
    for page in pages:
        loaded = _Loaded()
        loaded.feed(page.read_text(encoding="utf-8"))
        addresses += loaded.addresses
    assert len(addresses) > 50
    assert not [a for a in addresses if re.match(r"(https?:)?//", a)]
    for style in site.rglob("*.css"):
        assert not re.search(r"(url\(|@import)\s*[\"']?(https?:)?//", style.read_text(encoding="utf-8"))


def test_every_key_verb_and_flag_has_its_line(site):
    configs = (site / "configs.html").read_text(encoding="utf-8")
    commands = (site / "commands.html").read_text(encoding="utf-8")
    for system in registry.systems():
        assert len(system.schema.keys) > 20
        for name, key in system.schema.keys.items():
            assert f"<code>{name}</code>" in configs and key.about, name
    for offer in verbs.offers():
        assert f'id="{offer.verb.name}' in commands
        for option in offer.verb.options:
            assert f"<code>--{option.name}</code>" in commands and option.about, option


def test_every_public_name_is_in_the_reference(site):
    reference = (site / "reference.html").read_text(encoding="utf-8")
    for name in [*deepsim_jax.__all__, "open"]:
        public = getattr(deepsim_jax, name)
        assert f'id="{public.__module__}.{name}"' in reference, name
