namespace StreamingCnn.Experiments.Resolution;

/// <summary>
/// A pitted and a clean photograph of one position, and four images between them: the surface of early or late, each with and without the
/// defect. The clean surface without a defect carries a patch of a second clean photograph, so that no image can be told from another by
/// having been retouched.
/// </summary>
/// <param name="Pitted">The pitted photograph.</param>
/// <param name="Clean">The clean photograph.</param>
/// <param name="EarlyWithout">Path: clean surface, no defect.</param>
/// <param name="EarlyWith">Path: clean surface, the defect put in.</param>
/// <param name="LateWithout">Path: worn surface, the defect taken out.</param>
/// <param name="LateWith">Path: the pitted photograph as it is.</param>
internal sealed record RetouchedPair(
    Photograph Pitted, Photograph Clean, string EarlyWithout, string EarlyWith, string LateWithout, string LateWith)
{
    /// <summary>Makes a pair for every pitted photograph, the clean ones of its position in turn.</summary>
    /// <param name="photographs">The photographs.</param>
    /// <param name="folder">Where the retouched images are written.</param>
    public static IReadOnlyList<RetouchedPair> WriteAll(IReadOnlyList<Photograph> photographs, string folder)
    {
        Directory.CreateDirectory(folder);
        var pairs = new List<RetouchedPair>();
        foreach (var position in photographs.GroupBy(photograph => photograph.Position))
        {
            var clean = position.Where(photograph => !photograph.IsPitted).OrderBy(photograph => photograph.Time).ToArray();
            foreach (var (i, pitted) in position.Where(photograph => photograph.IsPitted).OrderBy(photograph => photograph.Time).Index())
            {
                var (own, other) = (clean[i % clean.Length], clean[(i + 1) % clean.Length]);
                var name = Path.GetFileNameWithoutExtension(pitted.Path);
                var pair = new RetouchedPair(
                    pitted,
                    own,
                    Path.Combine(folder, $"{name}-early-without.png"),
                    Path.Combine(folder, $"{name}-early-with.png"),
                    Path.Combine(folder, $"{name}-late-without.png"),
                    pitted.Path);
                Retouching.Write(own, other, pitted.Defects, pair.EarlyWithout);
                Retouching.Write(own, pitted, pitted.Defects, pair.EarlyWith);
                Retouching.Write(pitted, own, pitted.Defects, pair.LateWithout);
                pairs.Add(pair);
            }
        }

        return pairs;
    }
}
