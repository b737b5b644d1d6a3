"""Turns networks' outputs into probabilities and numbers, and those of several networks into one."""
import torch


def outputs_of(code):
    """Returns the number of network outputs for a target."""
    return {"classes": code.get("classes"), "bins": len(code.get("class_shares", [])), "number": 2}[code["taught_as"]]


def class_probabilities(code, outputs):
    """Turns a network's outputs for one target into probabilities [N, classes]."""
    temperature = code.get("temperature", 1)
    if code["taught_as"] == "classes":
        return (outputs / temperature).softmax(1)
    if code["taught_as"] == "bins":  # each bin's probability is divided among the classes
        probs = outputs.softmax(1) @ outputs.new_tensor(code["class_shares"])
    else:  # a normal distribution: a class gets the probability between its edges
        mean, deviation = normal_of(code, outputs)
        probs = between((outputs.new_tensor(code["edges"]) - mean) / deviation)
    return (probs.clamp_min(1e-12).log() / temperature).softmax(1)


def between(edges):
    """Returns the probabilities [N, E + 1] of a standard normal distribution below, between and above edges [N, E]."""
    below, above = tail(-edges), tail(edges)
    # The difference of the smaller tails: that of tails near 1 would lose its digits in float32.
    middle = torch.where(edges[:, :-1] + edges[:, 1:] > 0, above[:, :-1] - above[:, 1:], below[:, 1:] - below[:, :-1])
    return torch.cat([below[:, :1], middle, above[:, -1:]], 1)


# ln(e^(x²) erfc(x) / t) as a polynomial of t = 1 / (1 + x / 2), fitted at Chebyshev's nodes: within 3e-6 for x >= 0.
TAIL = (-1.2655093, 0.999604579, 0.384089844, 0.00403571361, 0.248290639, -0.872904148, 0.668515161, -0.166122112)


def tail(z):
    """Returns the probability that a standard normal variable is above z. ONNX has no erfc, so float32 has its own."""
    if z.dtype == torch.float64:
        return torch.erfc(z / 2 ** 0.5) / 2
    x = z.abs() / 2 ** 0.5
    t = 1 / (1 + x / 2)
    power = TAIL[-1]
    for coefficient in reversed(TAIL[:-1]):
        power = power * t + coefficient
    half = t * (power - x * x).exp() / 2
    return torch.where(z < 0, 1 - half, half)


def blended(blend, tables):
    """Turns the candidates' probabilities, {candidate: [N, classes]}, into the ensemble's."""
    if "stack" not in blend:
        return sum(blend["weights"][candidate] * table for candidate, table in tables.items()
                   if blend["weights"][candidate] > 0)
    least, ordered = blend["stack"]["least_probability"], [tables[candidate] for candidate in sorted(tables)]
    coefficients, intercepts = (ordered[0].new_tensor(blend["stack"][key]) for key in ("coefficients", "intercepts"))
    return (torch.cat(ordered, 1).clamp_min(least).log() @ coefficients.T + intercepts).softmax(1)


def mixture(members):
    """Returns mean and standard deviation [N, 2] of a weighted mixture of normal distributions."""
    mean = sum(weight * each for weight, each, _ in members)
    variance = sum(weight * (deviation ** 2 + (each - mean) ** 2) for weight, each, deviation in members)
    return torch.cat([mean, variance.sqrt()], 1)


def normal_of(code, outputs):
    """Turns outputs (standardised mean, logarithm of deviation) into mean and standard deviation, each [N, 1]; None for
    a target that is not taught as a number."""
    if code["taught_as"] != "number":
        return None, None
    least, most = code["log_deviation"]
    middle, half = (least + most) / 2, (most - least) / 2
    bounded = torch.tanh((outputs[:, 1:2] - middle) / half) * half + middle
    return outputs[:, 0:1] * code["deviation"] + code["mean"], bounded.exp() * code["deviation"]
