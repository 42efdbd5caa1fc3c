"""Asks a server through the clients that people have, and says what they read.

Arguments: the server's address, a model folder, a JSON file of texts. Prints JSON: for each strategy of aggregation the
answers through huggingface_hub's InferenceClient and, with torch, those of transformers' pipeline on the same folder; and
what tritonclient reads.
"""
import json
import sys
from importlib.util import find_spec

import numpy as np
import tritonclient.http as triton
from huggingface_hub import InferenceClient

address, folder, file = sys.argv[1:]
texts = json.load(open(file, encoding="utf-8"))


def plain(entities):
    return [{key: value for key, value in dict(entity).items() if value is not None} for entity in entities]


def numbers(entities):
    return [
        {key: value.item() if hasattr(value, "item") else value for key, value in entity.items()} for entity in entities
    ]


client = InferenceClient(base_url=address)
classify = None
if find_spec("torch"):
    from transformers import pipeline

    classify = pipeline("token-classification", model=folder, device="cpu")
strategies = {}
for strategy in ["none", "simple", "first", "average", "max"]:
    strategies[strategy] = {
        "server": [plain(client.token_classification(text, aggregation_strategy=strategy)) for text in texts],
        "pipeline": classify and [numbers(classify(text, aggregation_strategy=strategy)) for text in texts],
    }
own = [plain(client.token_classification(text)) for text in texts]

server = triton.InferenceServerClient(address.removeprefix("http://"))
model = folder.rstrip("/").rsplit("/", 1)[-1]
tensor = triton.InferInput("text", [len(texts)], "BYTES")
tensor.set_data_from_numpy(np.array([text.encode() for text in texts], dtype=object))
binary = server.infer(model, [tensor], request_id="one").as_numpy("entities")
tensor.set_data_from_numpy(np.array([text.encode() for text in texts], dtype=object), binary_data=False)
output = triton.InferRequestedOutput("entities", binary_data=False)
answer = server.infer(model, [tensor], outputs=[output])
print(
    json.dumps(
        {
            "strategies": strategies,
            "own": own,
            "triton": {
                "live": server.is_server_live(),
                "ready": server.is_server_ready(),
                "model_ready": server.is_model_ready(model),
                "server": server.get_server_metadata(),
                "model": server.get_model_metadata(model),
                "binary": [json.loads(element) for element in binary],
                "json": [json.loads(element) for element in answer.as_numpy("entities")],
            },
        }
    )
)
