using StreamingCnn.Geometry;

namespace StreamingCnn.Docs.Tests.Figures;

/// <summary>
/// One axis of a small network: which tile is the home of which position of each map, and what the second tile reads of the first. All
/// numbers come from the engine's geometry.
/// </summary>
internal static class HomesFigure
{
    private const int Length = 32, Tile = 10, Cell = 24, Left = 196, RowHeight = 62, Top = 84, Reader = 1;

    private static readonly (string Name, Func<long, AxisMap> Layer)[] Layers =
    [
        ("3x3 convolution", length => new SlidingWindow(length, 3, before: 1, after: 1)),
        ("3x3 convolution", length => new SlidingWindow(length, 3, before: 1, after: 1)),
        ("3x3 convolution, stride 2", length => new SlidingWindow(length, 3, stride: 2, before: 1, after: 1)),
        ("3x3 convolution", length => new SlidingWindow(length, 3, before: 1, after: 1)),
    ];

    private static readonly string[] Colours = ["#2e86ab", "#7fb069", "#b56576", "#9a8fc4"];

    public static string Draw()
    {
        var steps = (Length + Tile - 1) / Tile;
        var maps = new List<AxisMap>();
        long length = Length;
        foreach (var (_, layer) in Layers)
        {
            maps.Add(layer(length));
            length = maps[^1].OutputLength;
        }

        // The image's cuts, and what becomes computable of each map with every tile; the last tile works off what is left.
        var cuts = new List<long[]> { Enumerable.Range(0, steps + 1).Select(step => Math.Min((long)step * Tile, Length)).ToArray() };
        var virtualCuts = Enumerable.Range(0, steps + 1).Select(step => (long)step * Tile).ToArray();
        foreach (var map in maps)
        {
            virtualCuts = [.. virtualCuts.Select(map.VirtualCut)];
            cuts.Add(
                [
                    .. virtualCuts.Select(
                        (cut, step) => step == 0 ? 0 : step == steps ? map.OutputLength : Math.Clamp(cut, 0, map.OutputLength))
                ]);
        }

        var picture = new Svg(
            Left + (Length * Cell) + 24, Top
                + ((maps.Count + 1) * RowHeight) + 64, "One axis of a network, cut into tiles: every position of every map has one home.");
        picture.Text(24, 32, $"One axis of a network: {Length} pixels in tiles of {Tile}", 17, bold: true);
        picture.Text(24, 54, "A position belongs to the tile with which it becomes computable. What an earlier tile computed and a later one reads is carried (framed).", 13, colour: "#567");
        for (var m = 0; m <= maps.Count; m++)
        {
            var y = Top + (m * RowHeight);
            var scale = m == 0 ? 1.0 : (double)Length / maps[m - 1].OutputLength;
            picture.Text(24, y + 18, m == 0 ? "image" : Layers[m - 1].Name, 13, bold: m == 0);
            if (m > 0)
                picture.Text(24, y + 34, $"{maps[m - 1].OutputLength} positions", 11, colour: "#567");
            for (var step = 0; step < steps; step++)
            {
                for (var position = cuts[m][step]; position < cuts[m][step + 1]; position++)
                    picture.Rectangle(Left + (position * scale * Cell), y, (scale * Cell) - 2, 28, Colours[step], "#ffffff");
            }

            // The image is read again from where it comes from; the output has no reader.
            for (var step = 1; step < steps && m > 0 && m < maps.Count; step++)
            {
                var low = Math.Min(cuts[m][step], maps[m].FirstNeeded(cuts[m + 1][step]));
                if (low < cuts[m][step])
                    picture.Frame(Left + (low * scale * Cell) - 1, y - 3, ((cuts[m][step] - low) * scale * Cell), 34, "#f3a712");
            }
        }

        for (var m = 0; m < maps.Count; m++)
        {
            // What the first position of the second tile reads: the reason why tiles lag behind the deeper the map is.
            var first = cuts[m + 1][Reader];
            var span = maps[m].Span(first, first + 1);
            var from = m == 0 ? 1.0 : (double)Length / maps[m - 1].OutputLength;
            var to = (double)Length / maps[m].OutputLength;
            var tip = Left + ((first + 0.5) * to * Cell);
            picture.Segment(
                Left + (span.Interval.Start * from * Cell), Top + (m * RowHeight) + 31, tip, Top + ((m + 1) * RowHeight) - 3, "#99a");
            picture.Segment(
                Left + (span.Interval.End * from * Cell) - 2, Top + (m * RowHeight) + 31, tip, Top + ((m + 1) * RowHeight) - 3, "#99a");
        }

        for (var step = 0; step < steps; step++)
        {
            var x = Left + (step * 150);
            picture.Rectangle(x, Top + ((maps.Count + 1) * RowHeight) + 8, 18, 18, Colours[step], "#ffffff");
            picture.Text(x + 26, Top + ((maps.Count + 1) * RowHeight) + 22, $"tile {step + 1}", 13);
        }

        picture.Frame(Left + (steps * 150), Top + ((maps.Count + 1) * RowHeight) + 8, 18, 18, "#f3a712");
        picture.Text(Left + (steps * 150) + 26, Top + ((maps.Count + 1) * RowHeight) + 22, "carried", 13);
        return picture.ToString();
    }
}
