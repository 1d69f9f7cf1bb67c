namespace StreamingCnn.Imaging.DataSets;

/// <summary>
/// Divides images into parts so that no group stands in two of them, and every class is shared out as evenly as groups allow. Groups come
/// in a random order, those that hold much of a class first; each goes to the part that is left the most even by it (as
/// "StratifiedGroupKFold" of scikit-learn does).
/// </summary>
public static class GroupedDivision
{
    // Numbers are shared out by fifths.
    private const int NumberBins = 5;

    /// <summary>Divides.</summary>
    /// <param name="data">The images.</param>
    /// <param name="shares">The share of each part, above 0 each; as many equal ones as there are folds, for instance.</param>
    /// <param name="seed">The same seed gives the same parts.</param>
    /// <param name="groups">The group of each image; null where each is by itself.</param>
    /// <returns>For each image its part, from 0. No part is empty.</returns>
    /// <exception cref="ArgumentException">There are fewer groups than parts, or not as many groups as images are named.</exception>
    public static IReadOnlyList<int> Of(ImageDataSet data, IReadOnlyList<double> shares, int seed, IReadOnlyList<string>? groups = null)
    {
        ArgumentNullException.ThrowIfNull(data);
        ArgumentNullException.ThrowIfNull(shares);
        var strata = Strata(data);
        var totals = Counts(Enumerable.Range(0, data.Items.Count), strata);
        var units = Enumerable.Range(0, data.Items.Count)
            .GroupBy(index => groups?[index] ?? FormattableString.Invariant($"{index}"), StringComparer.Ordinal)
            .Select(group => (Members: group.ToArray(), Counts: Counts(group, strata)))
            .ToArray();
        if (units.Length < shares.Count)
        {
            throw new ArgumentException(
                $"{units.Length} group{(units.Length == 1 ? "" : "s")} of images cannot be divided into {shares.Count} parts; ask for fewer parts, or add images.");
        }

        new Random(seed).Shuffle(units);
        var parts = new int[data.Items.Count];
        var filled = shares.Select(_ => new double[totals.Length]).ToArray();
        foreach (var (place, unit) in units.OrderByDescending(unit => Weight(unit.Counts, totals)).Index())
        {
            var empty = Enumerable.Range(0, shares.Count).Where(part => filled[part][0] == 0).ToArray();
            var open = empty.Length == units.Length - place ? empty : [.. Enumerable.Range(0, shares.Count)];
            var chosen = open.MinBy(part => Unevenness(unit.Counts, filled[part], shares[part], totals));
            foreach (var member in unit.Members)
                parts[member] = chosen;
            for (var stratum = 0; stratum < totals.Length; stratum++)
                filled[chosen][stratum] += unit.Counts[stratum];
        }

        return parts;
    }

    /// <summary>How much of a class a group holds, in powers of two, so that among like ones the order is random.</summary>
    private static double Weight(double[] counts, double[] totals) =>
        Math.Floor(Math.Log2(counts.Zip(totals, (count, total) => total > 0 ? count / total : 0).Max()));

    /// <summary>What a group adds to the sum over parts and strata of squared shares, each by the share that its part is to have.</summary>
    private static double Unevenness(double[] counts, double[] filled, double share, double[] totals)
    {
        double sum = 0;
        for (var stratum = 0; stratum < totals.Length; stratum++)
        {
            if (counts[stratum] > 0)
                sum += counts[stratum] * ((2 * filled[stratum]) + counts[stratum]) / (share * totals[stratum] * totals[stratum]);
        }

        return sum;
    }

    private static double[] Counts(IEnumerable<int> members, int[][] strata)
    {
        var counts = new double[strata.SelectMany(own => own).Append(0).Max() + 1];
        foreach (var stratum in members.SelectMany(member => strata[member]))
            counts[stratum]++;
        return counts;
    }

    /// <summary>The strata of each image: that of all; its class; each label that it has; the fifth of each of its numbers.</summary>
    private static int[][] Strata(ImageDataSet data)
    {
        if (data.Items.All(item => item.Label >= 0))
            return [.. data.Items.Select(item => (int[])[0, item.Label + 1])];
        if (data.Classes.Count > 0)
            return [.. data.Items.Select(item =>
                (int[])[0, .. item.Targets.Index().Where(target => target.Item >= 0.5).Select(target => target.Index + 1)])];
        var sorted = Enumerable.Range(0, data.Items.Max(item => item.Targets.Count))
            .Select(number => data.Items.Select(item => item.Targets[number]).Where(value => !double.IsNaN(value)).Order().ToArray())
            .ToArray();
        return [.. data.Items.Select(item =>
            (int[])
            [
                0,
                .. item.Targets.Index().Where(target => !double.IsNaN(target.Item))
                    .Select(target => 1 + (target.Index * NumberBins) + Bin(sorted[target.Index], target.Item)),
            ])];
    }

    private static int Bin(double[] sorted, double value)
    {
        var (below, above) = (0, sorted.Length);
        while (below < above)
        {
            var middle = (below + above) / 2;
            (below, above) = sorted[middle] < value ? (middle + 1, above) : (below, middle);
        }

        return below * NumberBins / sorted.Length;
    }
}
