"""What docs/editor-protocol.md promises of pictures, over a real connection."""

import json
import urllib.parse

MOVE = {"tool": "move", "at": [60, 70], "by": [12, 4]}


def test_pictures_of_documents(client, workspace, address, photo, picture_of):
    begin = workspace["history"]["documents"][0]["id"]
    assert client.act(workspace, MOVE).status_code == 200
    shapes = {
        "photo": (150, 180, 3),
        "photo?fit=90": (75, 90, 3),
        "drawing": (150, 180, 3),
        "layers/regions": (150, 180, 4),
        "layers/keep": (150, 180, 4),
        "thumbnail": (80, 96, 3),
        "region?x=60&y=70": (150, 180),
        "mismatch": (150, 180),
        "changed": (150, 180),
        "result": (150, 180, 3),
    }
    for name, shape in shapes.items():
        mark = "&" if "?" in name else "?"
        done = client.get(f"{address}/{name}{mark}document={begin}")
        assert done.status_code == 200 and picture_of(done.content).shape == shape, name
        assert done.headers.get("document", str(begin)) == str(begin)
    box = client.get(f"{address}/region?document={begin}&x=60&y=70").headers["box"]
    x, y, width, height = map(int, box.split(","))
    assert x < 60 < x + width and y < 70 < y + height
    result = client.get(f"{address}/result?document={begin}")
    assert result.content == photo and result.headers["candidates"] == "1"
    changed = client.get(f"{address}/result")
    assert changed.content != photo and int(changed.headers["document"]) > begin
    for name in ("layers/none", "drawing?document=99999", "result?candidate=5", "nothing"):
        assert client.get(f"{address}/{name}").status_code == 404, name
    for name in ("region", "region?x=1&y=nan", "drawing?document=x", "region?x=-5&y=3"):
        done = client.get(f"{address}/{name}")
        assert done.status_code == 400 and done.json()["error"], name


def test_previews_of_what_is_not_done_yet(client, workspace, address, picture_of):
    id_ = client.get(address).json()["history"]["documents"][0]["id"]
    asked = {"document": id_, "action": MOVE, "sequence": 7}
    done = client.post(f"{address}/preview", json=asked)
    assert done.headers["sequence"] == "7" and done.headers["content-type"] == "image/webp"
    assert float(done.headers["milliseconds"]) > 0
    assert json.loads(urllib.parse.unquote(done.headers["doubts"])) == []
    assert picture_of(done.content).shape == (150, 180, 3)
    drawn = client.post(f"{address}/preview", json={**asked, "show": "drawing"})
    plain = client.get(f"{address}/drawing?document={id_}")
    assert (picture_of(drawn.content) != picture_of(plain.content)).any()
    assert client.post(f"{address}/preview", json={**asked, "action": 3}).status_code == 400
    assert client.post(f"{address}/preview", json={"document": True}).status_code == 400
