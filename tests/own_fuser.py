"""A fuser that somebody has written outside the workbench."""

from workbench.fusion.gen_fuser import GenFuser


class OwnFuser(GenFuser):
    """Writes as any."""
