"""Config files: names, paths with colons, options."""

import pytest

from deepsim_jax.config import files
from deepsim_jax.errors import UserError

BODY = "from deepsim_jax import settings\ndef get_config(option='none'):\n    c = settings.default()\n"
BODY += "    c.data.image = option\n    return c\n"


@pytest.mark.parametrize("name", ["mine.py", "a:b/mine.py", "a:b/it's mine.py"])
def test_a_path_may_have_colons_before_the_options_own(tmp_path, name):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(BODY)
    assert files.read(path).data.image == "none"
    assert files.read(f"{path}:tiny").data.image == "tiny"


def test_shipped_configs_are_found_by_name_and_others_named():
    assert files.find("quickstart") == files.shipped_configs()["quickstart"]
    with pytest.raises(UserError, match="'a:tiny': no such file, nor one of fast, "):
        files.read("a:tiny")
    with pytest.raises(UserError, match="of type int"):
        files.open_config(3)
