"""Nothing listens."""

PACKAGES = ()


def start(ctx, o):
    return {"name": o.get("name", "none"), "version": ""}
