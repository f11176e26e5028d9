"""What made a texture, to be read by people and run again."""

import json

from style_transfer_3d.operators.recipe import make_recipe

from tests.operators.run_requests import request


def test_recipe(tmp_path, style):
    report = tmp_path / "report.json"
    report.write_text('{"style_distance": 0.1}')
    weights = tmp_path / "vgg19.pth"
    asked = request(style=style, seed=7, weights_file=str(weights))
    text = make_recipe(asked, ["ab12"], {"uv_map": "U", "views": "SPHERE"}, report)
    recipe = json.loads(text)
    assert recipe["styles"] == [{"file": style.name, "sha256": "ab12", "weight": 1.0, "region": ""}]
    assert recipe["settings"]["seed"] == 7
    assert recipe["settings"]["weights_file"] == "vgg19.pth"
    assert recipe["report"] == {"style_distance": 0.1}
    assert recipe["version"] == "0.1.0"
    assert (recipe["uv_map"], recipe["views"]) == ("U", "SPHERE")
    assert str(tmp_path) not in text
