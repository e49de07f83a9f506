import zipfile

import pytest


@pytest.fixture
def write_pickle_zip(tmp_path):
    """Writes a checkpoint archive around any pickle."""

    def write(data, storages=()):
        path = tmp_path / "net.pth"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("net/data.pkl", data)
            for i, content in enumerate(storages):
                archive.writestr(f"net/data/{i}", content)
        return path

    return write
