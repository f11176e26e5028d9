"""Surfaces of small meshes."""

import torch

from engine.mesh import Mesh
from engine.surface import Surface

CPU = torch.device("cpu")


def surface_of(mesh: Mesh) -> Surface:
    return Surface.of(mesh, CPU)
