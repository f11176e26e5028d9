"""Meshes that cannot be painted, and what is said of each."""

import bpy
from mathutils import Matrix


def no_uvs(obj):
    obj.data.uv_layers.remove(obj.data.uv_layers[0])
    obj.data.update()


def no_faces(obj):
    obj.data.clear_geometry()


def collapsed_uvs(obj):
    obj.data.uv_layers[0].uv.foreach_set("vector", [0.5] * len(obj.data.loops) * 2)


def nan_vertex(obj):
    obj.data.vertices[3].co.x = float("nan")


def nan_uv(obj):
    obj.data.uv_layers[0].uv[3].vector.x = float("nan")


def zero_size(obj):
    obj.matrix_world = Matrix.Diagonal((0, 0, 0, 1))
    bpy.context.view_layer.update()


MESHES = [
    (no_uvs, "Mesh of 'Cube': it has no UV map"),
    (no_faces, "Mesh of 'Cube': it has no faces"),
    (collapsed_uvs, "UV map of 'Cube': all its faces are collapsed"),
    (nan_vertex, "Mesh of 'Cube': 1 of its vertices are not finite"),
    (nan_uv, "Mesh of 'Cube': 1 of its UVs are not finite"),
    (zero_size, "Mesh of 'Cube': all its faces have zero area"),
]
