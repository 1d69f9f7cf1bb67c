using StreamingCnn.Imaging.DataSets;

namespace StreamingCnn.Training.Data;

/// <summary>Which images are learned from, which judged by in training, and which in the end.</summary>
/// <param name="Training">To learn from.</param>
/// <param name="Validation">To choose the best epoch by.</param>
/// <param name="Test">To judge by in the end.</param>
/// <param name="Notes">What a person should know of the parts, a sentence each without its full stop.</param>
internal sealed record Division(
    IReadOnlyList<ImageItem> Training, IReadOnlyList<ImageItem> Validation, IReadOnlyList<ImageItem> Test, IReadOnlyList<string> Notes)
{
    private const int MostNamed = 3;

    /// <summary>
    /// Divides by the parts that the table names, or by folds; where no image is for validation, some of those to learn from are kept for
    /// it. No group, and no image under two names, comes to stand on both sides of a division that is made here.
    /// </summary>
    /// <param name="path">The table or folder.</param>
    /// <param name="data">The images.</param>
    /// <param name="validationShare">Share of the images to learn from that is kept for validation where none is named; 0 for none.</param>
    /// <param name="seed">Decides which.</param>
    /// <param name="fold">The fold to judge by, from 1; null to go by the parts of the table.</param>
    /// <exception cref="DataSetException">
    /// A group stands in two parts of the table, or the folds of the table are not those that are asked for.
    /// </exception>
    /// <exception cref="ArgumentException">There are fewer groups than parts.</exception>
    public static Division Of(string path, ImageDataSet data, double validationShare, int seed, FoldChoice? fold)
    {
        var problems = new DataProblems();
        PartsCheck.Groups(data, fold is not null, problems);
        problems.ThrowIfAny(path);
        var byPart = data.Items.ToLookup(item => DataPart.Of(item.Split));
        var (training, validation, test) = (byPart[DataPart.Training].ToArray(), byPart[DataPart.Validation].ToArray(),
            byPart[DataPart.Test].ToArray());
        var notes = new List<string>();
        var contents = new SameContent();
        if (fold is not null)
        {
            if (test.Length > 0)
                notes.Add($"the {test.Length} image(s) in the part '{DataPart.Test}' stay out of all folds, and are not used");
            if (validation.Length > 0)
                notes.Add($"folds are made of the parts '{DataPart.Training}' and '{DataPart.Validation}' together");
            var all = data.Where(item => DataPart.Of(item.Split) != DataPart.Test);
            var parts = Folds(path, all, seed, fold, contents);
            test = [.. all.Items.Where((_, index) => parts[index] == fold.Number - 1)];
            training = [.. all.Items.Where((_, index) => parts[index] != fold.Number - 1)];
            validation = [];
        }

        if (validation.Length == 0 && validationShare > 0)
        {
            var chosen = training.ToHashSet();
            var rest = data.Where(chosen.Contains);
            if (fold is null && training.All(item => item.Group is null))
            {
                var (first, second) = rest.Stratified(validationShare, seed);
                (training, validation) = ([.. first.Items], [.. second.Items]);
            }
            else
            {
                var parts = contents.Divide(rest, [1 - validationShare, validationShare], seed);
                training = [.. rest.Items.Where((_, index) => parts[index] == 0)];
                validation = [.. rest.Items.Where((_, index) => parts[index] == 1)];
            }
        }

        notes.AddRange(Duplicates(contents, (DataPart.Training, training), (DataPart.Validation, validation), (DataPart.Test, test)));
        return new(training, validation, test, notes);
    }

    /// <summary>The fold of each image, from 0: that of the table, where it has any, otherwise one that is decided by the seed.</summary>
    private static IReadOnlyList<int> Folds(string path, ImageDataSet data, int seed, FoldChoice fold, SameContent contents)
    {
        if (data.Items.All(item => item.Fold is null))
            return contents.Divide(data, [.. Enumerable.Repeat(1.0, fold.Count)], seed);
        var problems = new DataProblems();
        foreach (var item in data.Items.Where(item => item.Fold is null || item.Fold > fold.Count))
            problems.Add($"its fold is none of 1 to {fold.Count}; write the folds that are asked for, or take the column out", item.Line,
                item.Path, "image");
        foreach (var missing in Enumerable.Range(1, fold.Count).Except(data.Items.Select(item => item.Fold ?? 0)))
            problems.Add($"no image is in fold {missing}; ask for as many folds as there are, or take the column out");
        PartsCheck.NoGroupInTwo(data.Items, item => $"fold {item.Fold}", problems);
        problems.ThrowIfAny(path);
        return [.. data.Items.Select(item => item.Fold!.Value - 1)];
    }

    /// <summary>Images that stand in two parts under different names.</summary>
    private static IEnumerable<string> Duplicates(SameContent contents, params (string Name, IReadOnlyList<ImageItem> Items)[] parts)
    {
        if (parts.Count(part => part.Items.Count > 0) < 2)
            yield break;
        var partOf = parts.SelectMany(part => part.Items.Select(item => (item.Path, part.Name)))
            .ToDictionary(one => one.Path, one => one.Name, StringComparer.Ordinal);
        var across = contents.Of(parts.SelectMany(part => part.Items))
            .Select(set => set.DistinctBy(item => partOf[item.Path]).ToArray())
            .Where(set => set.Length > 1)
            .ToArray();
        if (across.Length == 0)
            yield break;
        var named = across.Take(MostNamed).Select(set => string.Join(" = ", set.Select(item => $"{item.Path} ({partOf[item.Path]})")));
        yield return $"{across.Length} image(s) stand in two parts under different names, so that what is measured there is too good: "
            + $"{string.Join(", ", named)}{(across.Length > MostNamed ? ", ..." : "")}; leave them out of one part";
    }
}
