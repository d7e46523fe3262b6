"""Any router on disk, by what its files say it is."""

from pathlib import Path

from workbench.errors import BadModel
from workbench.models import saved
from workbench.models.hub_files import checkpoint_directory
from workbench.routing.router import Router


def load_router(name: str | Path) -> Router:
    """The router in a directory or of a hub id, of whatever class, ready to route.

    Raises:
        BadModel: there is no such directory or model, it is no router of this workbench, or a
            file or weight is missing, unknown, of another shape or not finite.
    """
    directory = checkpoint_directory(name)
    if not saved.is_saved(directory, Router.kind):
        raise BadModel(
            f"'{name}' holds no router: expected a config.json that save_pretrained has written"
        )
    router: Router = saved.class_in(Router, directory).from_pretrained(directory)
    return router
