#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Dump a MACE checkpoint for `racah import`: python mace_export.py MODEL.model [-o NAME.mace.safetensors]

Needs torch and mace (the versions the model was trained with, or newer), nothing of Racah. No mathematics is done
here: the tensors of the state dict are written as they are, beside a description of the blocks (classes, irreps,
instructions with path weights, activation constants). What Racah does not support is refused by `racah import`,
which names it.
"""
import argparse
import json
import struct
import sys


def class_name(module):
    """Class of a module, also of one that TorchScript has compiled."""
    return getattr(module, "original_name", None) or type(module).__name__


def activation(act, torch):
    """'silu' if the module is silu up to its constant, else a name that will be refused."""
    function = getattr(act, "f", act)
    constant = float(getattr(act, "cst", 1.0))
    x = torch.linspace(-3.0, 3.0, 13, dtype=torch.float64)
    try:
        if torch.allclose(act(x), constant * torch.nn.functional.silu(x), atol=1e-6):
            return "silu", constant
    except Exception:  # an activation that cannot be called like this is not silu
        pass
    return getattr(function, "__name__", class_name(function)), constant


def instruction(ins):
    out = {}
    for key in ("i_in", "i_in1", "i_in2", "i_out", "connection_mode", "has_weight", "path_weight", "path_shape"):
        if hasattr(ins, key):
            value = getattr(ins, key)
            if key == "path_weight":
                value = float(value)
            elif key == "path_shape":
                value = [int(n) for n in value]
            elif key == "connection_mode":
                value = str(value)
            elif key == "has_weight":
                value = bool(value)
            else:
                value = int(value)
            out[key] = value
    return out


def describe(module, torch):
    """Description of one e3nn module, or None for anything else."""
    name = class_name(module)
    if hasattr(module, "h_in") and hasattr(module, "h_out"):  # a layer of FullyConnectedNet
        out = {"class": "FullyConnectedNet layer", "h_in": float(module.h_in), "h_out": float(module.h_out),
               "var_in": float(module.var_in), "var_out": float(module.var_out), "act_cst": None}
        if module.act is not None:
            out["act"], out["act_cst"] = activation(module.act, torch)
        return out
    if name == "Activation":
        acts = [activation(a, torch) for a in module.acts if a is not None]
        return {"class": name, "act": "+".join(sorted({a for a, _ in acts})), "act_cst": [c for _, c in acts]}
    if hasattr(module, "instructions") and hasattr(module, "irreps_out"):
        out = {"class": name, "irreps_out": str(module.irreps_out)}
        for key in ("irreps_in", "irreps_in1", "irreps_in2"):
            if hasattr(module, key):
                out[key] = str(getattr(module, key))
        out["instructions"] = [instruction(i) for i in module.instructions]
        return out
    return None


def version(package):
    try:
        return str(__import__(package).__version__)
    except Exception:
        return "unknown"


def block(module):
    out = {"class": class_name(module)}
    average = getattr(module, "avg_num_neighbors", None)
    if average is not None:
        out["avg_num_neighbors"] = float(average)
    return out


def description(model, torch):
    radial = model.radial_embedding
    modules = {}
    for name, module in model.named_modules():
        text = describe(module, torch)
        if text is not None:
            modules[name] = text
    apply_cutoff = getattr(radial, "apply_cutoff", True)
    repulsion = getattr(model, "pair_repulsion_fn", None)
    transform = getattr(radial, "distance_transform", None)
    return {
        "class": class_name(model),
        "mace_version": version("mace"),
        "e3nn_version": version("e3nn"),
        "torch_version": version("torch"),
        "heads": [str(h) for h in getattr(model, "heads", None) or ["Default"]],
        "radial_basis": class_name(radial.bessel_fn),
        "distance_transform": class_name(transform) if transform is not None else "None",
        "apply_cutoff": bool(apply_cutoff),
        "pair_repulsion": class_name(repulsion) if repulsion is not None else "None",
        "interactions": [block(b) for b in model.interactions],
        "products": [block(b) for b in model.products],
        "readouts": [block(b) for b in model.readouts],
        "modules": modules,
        "parameters": [name for name, _ in model.named_parameters()],
    }


def constants(model, tensors):
    """Numbers that some versions of MACE keep as attributes instead of buffers, under the names of the buffers."""
    def put(name, value, torch):
        if name not in tensors and value is not None:
            tensors[name] = torch.as_tensor(value, dtype=torch.float64)
    import torch
    put("r_max", getattr(model, "r_max", None), torch)
    put("radial_embedding.cutoff_fn.p", getattr(model.radial_embedding.cutoff_fn, "p", None), torch)
    put("radial_embedding.cutoff_fn.r_max", getattr(model.radial_embedding.cutoff_fn, "r_max", None), torch)
    put("num_interactions", len(model.interactions), torch)
    for part in ("radial_embedding.distance_transform", "pair_repulsion_fn"):
        module = model
        for name in part.split("."):
            module = getattr(module, name, None)
        put(part + ".covalent_radii", getattr(module, "covalent_radii", None), torch)


DTYPES = {"torch.float64": "F64", "torch.float32": "F32", "torch.int64": "I64", "torch.int32": "I32",
          "torch.uint8": "U8", "torch.bool": "BOOL"}


def write_safetensors(path, tensors, metadata):
    """8-byte elements first, then 4, then 1, so that every tensor is aligned to its element."""
    header, blobs, at = {"__metadata__": metadata}, [], 0
    order = sorted(tensors.items(), key=lambda item: -item[1].element_size())
    for name, tensor in order:
        dtype = DTYPES.get(str(tensor.dtype))
        if dtype is None:
            raise SystemExit(f"{name}: data type {tensor.dtype} cannot be written")
        data = tensor.detach().cpu().contiguous().numpy().tobytes()
        header[name] = {"dtype": dtype, "shape": list(tensor.shape), "data_offsets": [at, at + len(data)]}
        blobs.append(data)
        at += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-(len(text) + 8) % 64)
    with open(path, "wb") as out:
        out.write(struct.pack("<Q", len(text)))
        out.write(text)
        for data in blobs:
            out.write(data)


def main():
    parser = argparse.ArgumentParser(description="Dump a MACE checkpoint for racah import.")
    parser.add_argument("model", help="a .model or .pt file that torch.load reads")
    parser.add_argument("-o", "--output", help="default: NAME.mace.safetensors beside the model's name")
    args = parser.parse_args()
    try:
        import torch
        import mace  # noqa: F401  (torch.load needs its classes)
    except ImportError as missing:
        raise SystemExit(f"mace_export.py needs torch and mace: {missing}")
    try:
        model = torch.load(args.model, map_location="cpu", weights_only=False)
    except TypeError:  # torch before 1.13 has no weights_only
        model = torch.load(args.model, map_location="cpu")
    if not hasattr(model, "interactions"):
        raise SystemExit(f"{args.model}: a {type(model).__name__}, not a MACE model; for a training checkpoint take "
                         "the .model file that mace_run_train writes beside it")
    tensors = {name: t for name, t in model.state_dict().items() if hasattr(t, "element_size")}
    constants(model, tensors)
    # "_compiled_main" and the like hold the same constants once more
    tensors = {name: t for name, t in tensors.items() if "_compiled" not in name and "graph_opt" not in name}
    path = args.output
    if not path:
        stem = args.model.rsplit("/", 1)[-1].rsplit("\\", 1)[-1]
        path = (stem.rsplit(".", 1)[0] if "." in stem else stem) + ".mace.safetensors"
    dump = json.dumps(description(model, torch))
    write_safetensors(path, tensors, {"format": "mace-dump", "format_version": "1", "dump": dump})
    print(f"{path}: {len(tensors)} tensors of a {class_name(model)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
