"""Reads a model of the hub's cache as Python does, offline: python hub_cache.py CACHE NAME FILE..., prints paths as JSON."""

import json
import sys

from huggingface_hub import scan_cache_dir, snapshot_download, try_to_load_from_cache

cache, name, *files = sys.argv[1:]
(repository,) = scan_cache_dir(cache).repos
(revision,) = repository.revisions
print(
    json.dumps(
        {
            "snapshot": snapshot_download(name, cache_dir=cache, local_files_only=True),
            "files": [try_to_load_from_cache(name, file, cache_dir=cache) for file in files],
            "scanned": {"name": repository.repo_id, "refs": sorted(revision.refs), "size": repository.size_on_disk},
        }
    )
)
