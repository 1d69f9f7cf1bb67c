using System.Diagnostics;
using StreamingCnn.Imaging.DataSets;

namespace StreamingCnn.Imaging.Tests.DataSets;

/// <summary>
/// Long lists take a time that grows as they do: what is done for every pair of lines would take 16 times as long for 4
/// times the lines.
/// </summary>
public sealed class GrowthTests(GrowthTests.Files files) : IClassFixture<GrowthTests.Files>
{
    private const int Few = 5000;
    private readonly TemporaryFolder folder = files.Folder;

    /// <summary>Empty files, for lists that are not to be opened.</summary>
    public sealed class Files : IDisposable
    {
        public Files()
        {
            for (var i = 0; i < 4 * Few; i++)
                File.Create(Folder.File($"{i}.png")).Dispose();
        }

        public TemporaryFolder Folder { get; } = new();

        public void Dispose() => Folder.Dispose();
    }

    [Fact]
    public void Of_tables_with_a_class_for_every_image() => Grows(rows =>
    {
        var table = folder.Write(
            "table.csv", "image,label\n" + string.Join('\n', Enumerable.Range(0, rows).Select(i => $"{i}.png,class {i}")));
        return ImageDataSet.FromCsv(table, new() { CheckImages = false });
    });

    [Fact]
    public void Of_tables_with_a_mistake_in_every_line() => Grows(rows =>
    {
        var lines = Enumerable.Range(0, rows).Select(i => $"{i / 2}.png,nan{(i % 3 == 0 ? "" : "!")}");
        var table = folder.Write("table.csv", "image,label\n" + string.Join('\n', lines));
        return Assert.Throws<DataSetException>(() => ImageDataSet.FromCsv(table, new() { CheckImages = false }));
    });

    [Fact]
    public void Of_parts_and_samplers() => Grows(rows =>
    {
        var data = new ImageDataSet(
            [.. Enumerable.Range(0, 10 * rows).Select(i => new ImageItem($"{i}", i % 7, [0]))],
            ["a", "b", "c", "d", "e", "f", "g"]);
        var (first, _) = data.Stratified(0.2, seed: 1);
        return EpochSampler.Balanced(first, seed: 1).Epoch(0).Count + EpochSampler.Shuffled(first, seed: 1).Epoch(0).Count;
    });

    private static void Grows(Func<int, object> work)
    {
        work(Few);
        var (few, many) = (Time(Few), Time(4 * Few));
        Assert.True(
            many < (8 * few) + TimeSpan.FromSeconds(0.5),
            $"{Few} took {few.TotalSeconds:0.00} s, four times as many {many.TotalSeconds:0.00} s");

        TimeSpan Time(int rows) => Enumerable.Range(0, 2).Min(_ =>
        {
            var clock = Stopwatch.StartNew();
            work(rows);
            return clock.Elapsed;
        });
    }
}
