"""How static files are named and kept: hashed names, compressed, and ES modules that find each other."""

from servestatic.storage import CompressedManifestStaticFilesStorage


class StaticStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc] # it ships no types
    """Writes hashed names also into `import` and `export` lines.

    Without it progress-bar.js would import "./event-stream.js" by its plain name, which a browser keeps from
    an older release.
    """

    support_js_module_import_aggregation = True
