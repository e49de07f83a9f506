"""What docs/editor-protocol.md promises of trainings and films, over a real connection."""

MOVE = {"tool": "move", "at": [60, 70], "by": [12, 4]}


def test_a_film_over_the_wire(client, workspace, address):
    client.act(workspace, MOVE)
    documents = client.get(address).json()["history"]["documents"]
    ids = [documents[0]["id"], documents[-1]["id"]]
    job = client.post(f"{address}/film", json={"documents": ids, "frames": 2, "format": "gif"}).json()[
        "job"
    ]
    told = client.get(f"/api/jobs/{job}").json()
    while told["state"] == "running":
        told = client.get(f"/api/jobs/{job}?since={told['since']}").json()
    assert told["state"] == "finished" and told["type"] == "image/gif"
    film = client.get(f"/api/jobs/{job}/result")
    assert film.content[:6] == b"GIF89a" and film.headers["content-type"] == "image/gif"
    assert client.delete(f"/api/jobs/{job}").status_code == 200
    for wrong in ({"documents": "x"}, {"documents": [99999, 1]}, {"documents": ids, "frames": 1.5}):
        assert client.post(f"{address}/film", json=wrong).status_code in (400, 404)
    assert client.get("/api/jobs/none").status_code == 404
