"""What curves of held-out quality over steps, several seeds each, allow to be said."""

import statistics


def compare(curves: list[dict], key: str, other: str, *, column: str = "lpips_alex") -> list[dict]:
    """Two rows at the steps where all of their seeds were measured.

    Args:
      curves: as in `table.json`: {"key", "seed", "points": [{"step", column}, ...]}, of one sequence.
      key, other: the rows.
      column: what is compared; lower is better.

    Returns:
      In the order of steps {"step", "median": (key's, other's), "verdict"}: "better" or "worse" where
      every seed of `key` lies below or above every seed of `other`, else "overlap".
    """
    series = {k: [{p["step"]: p[column] for p in c["points"]} for c in curves if c["key"] == k]
              for k in (key, other)}
    if not all(series.values()):
        return []
    common = set.intersection(*(set(points) for of in series.values() for points in of))
    found = []
    for step in sorted(common):
        ours, theirs = ([points[step] for points in series[k]] for k in (key, other))
        verdict = ("better" if max(ours) < min(theirs) else
                   "worse" if min(ours) > max(theirs) else "overlap")
        found.append({"step": step, "verdict": verdict,
                      "median": (statistics.median(ours), statistics.median(theirs))})
    return found


def findings(curves: list[dict], keys: list[str]) -> list[str]:
    """Sentences about the first row against each of the others, per sequence.

    Where the medians cross is reported; nothing is claimed where the seeds' ranges overlap.
    """
    sentences, first = [], keys[0]
    for sequence in dict.fromkeys(curve["sequence"] for curve in curves):
        of_sequence = [curve for curve in curves if curve["sequence"] == sequence]
        names = {curve["key"]: curve["label"] for curve in of_sequence}
        for other in keys[1:]:
            seeds = min(sum(c["key"] == k for c in of_sequence) for k in (first, other))
            points = compare(of_sequence, first, other)
            if points and seeds > 1:
                sentences.append(f"{sequence}, {seeds} seeds: " + _sentence(
                    points, names[first], names[other]))
    return sentences


def _sentence(points, name, other):
    signs = [a < b for a, b in (p["median"] for p in points)]
    crossings = [(points[i - 1]["step"], points[i]["step"]) for i in range(1, len(points))
                 if signs[i] != signs[i - 1]]
    last = points[-1]
    if last["verdict"] == "overlap":
        end = (f"at step {last['step']} the seeds of “{name}” and “{other}” overlap (medians "
               f"{last['median'][0]:.4f} and {last['median'][1]:.4f}): no claim")
    else:
        since = next(points[i]["step"] for i in range(len(points))
                     if all(p["verdict"] == last["verdict"] for p in points[i:]))
        end = (f"every seed of “{name}” is {last['verdict']} than every seed of “{other}” from step "
               f"{since} to the end (medians at step {last['step']}: {last['median'][0]:.4f} and "
               f"{last['median'][1]:.4f})")
    if not crossings:
        return end + "; the medians do not cross."
    places = ", ".join(f"between steps {a} and {b}" for a, b in crossings[:4])
    more = f" and {len(crossings) - 4} more times" if len(crossings) > 4 else ""
    return f"{end}; the medians cross {places}{more}."
