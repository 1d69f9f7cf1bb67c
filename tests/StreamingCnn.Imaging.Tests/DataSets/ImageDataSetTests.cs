using CsCheck;
using StreamingCnn.Imaging.DataSets;
using StreamingCnn.Imaging.Export;
using StreamingCnn.Imaging.Generators;
using StreamingCnn.Imaging.Tests.Generators;

namespace StreamingCnn.Imaging.Tests.DataSets;

public sealed class ImageDataSetTests
{
    [Fact]
    public void Ten_mistakes_are_reported_at_once_each_with_its_line()
    {
        using var folder = new TemporaryFolder();
        foreach (var name in (string[])["a", "b", "c", "d"])
            ArrayFile.Write(Path.Combine(folder.Path, name + ".npy"), 4, 5);
        folder.Write("text.jpg", "not an image");
        folder.Write("empty.png", "");
        folder.Write("cut.tif", "II*\0");
        // A photograph whose header is sound: the damage shows when it is decoded.
        using (var picture = new UltraMnistGenerator(200, seed: 1).Generate(0))
            ImageFile.Write(picture, Path.Combine(folder.Path, "cut.png"));
        using (var cut = File.OpenWrite(Path.Combine(folder.Path, "cut.png")))
            cut.SetLength(cut.Length * 2 / 3);
        Directory.CreateDirectory(Path.Combine(folder.Path, "sub"));
        var csv = folder.Write("list.csv", string.Join('\n',
            "image,grade,mask",
            "a.npy,1,",
            "missing.npy,2,",
            "text.jpg,1,",
            "empty.png,1,",
            "cut.tif,1,",
            "sub,1,",
            ",1,",
            "b.npy,,",
            "c.npy,high,",
            "a.npy,1,",
            "d.npy,1,nomask.png",
            "d.npy,1",
            "cut.png,1,"));
        var options = new CsvOptions { LabelColumns = ["grade"], Labels = LabelKind.Regression };
        var error = Assert.Throws<DataSetException>(() => ImageDataSet.FromCsv(csv, options));
        (int Line, string Text)[] expected =
        [
            (3, "no such file"), (4, "text file"), (5, "empty (0 bytes)"), (6, "damaged"), (7, "folder"), (8, "image is empty"),
            (9, "grade is empty"),
            (10, "'high' is not a number"),
            (11, "already in line 2"),
            (12, "the mask nomask.png"),
            (13, "2 field(s) where the first line names 3"),
            (
                14, "the image cut.png: the image is damaged or cut short"),
        ];
        Assert.Equal(expected.Length, error.Problems.Count);
        foreach (var ((line, text), problem) in expected.Zip(error.Problems))
        {
            Assert.StartsWith($"line {line}: ", problem, StringComparison.Ordinal);
            Assert.Contains(text, problem, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Marks_quotes_windows_line_ends_and_backslashes_are_understood()
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(Path.Combine(folder.Path, "sub"));
        ArrayFile.Write(Path.Combine(folder.Path, "sub", "a, b.npy"), 4, 5);
        ArrayFile.Write(Path.Combine(folder.Path, "c.npy"), 4, 5);
        var csv = folder.Write("list.csv", "\uFEFFImage;Label;split\r\n\"sub\\a, b.npy\";10;train\r\n\r\nc.npy;2;test\r\n");
        var data = ImageDataSet.FromCsv(csv);
        Assert.Equal(["2", "10"], data.Classes);
        Assert.Equal([1, 0], data.Items.Select(item => item.Label));
        Assert.Equal(Path.Combine(folder.Path, "sub", "a, b.npy"), data.Items[0].Path);
        Assert.Equal("c.npy", Path.GetFileName(Assert.Single(data.Part("TEST").Items).Path));
    }

    [Fact]
    public void Several_label_columns_become_targets()
    {
        using var folder = new TemporaryFolder();
        ArrayFile.Write(Path.Combine(folder.Path, "a.npy"), 4, 5);
        var csv = folder.Write("list.csv", "image,crack,dirt\na.npy,1,0\n");
        var data = ImageDataSet.FromCsv(csv, new CsvOptions { LabelColumns = ["crack", "dirt"], Labels = LabelKind.MultiLabel });
        Assert.Equal([1, 0], Assert.Single(data.Items).Targets);
        Assert.Equal(["crack", "dirt"], data.Classes);
    }

    [Fact]
    public void Folders_are_classes_and_parts_keep_their_proportions()
    {
        using var folder = new TemporaryFolder();
        foreach (var (name, count) in ((string, int)[])[("rare", 10), ("common", 40)])
        {
            for (var i = 0; i < count; i++)
            {
                Directory.CreateDirectory(Path.Combine(folder.Path, name));
                ArrayFile.Write(Path.Combine(folder.Path, name, $"{i}.npy"), 2, 2);
            }
        }

        var data = ImageDataSet.FromFolders(folder.Path);
        Assert.Equal(["common", "rare"], data.Classes);
        var (first, second) = data.Stratified(0.2, seed: 5);
        Assert.Equal((32, 8), (first.Items.Count(item => item.Label == 0), first.Items.Count(item => item.Label == 1)));
        Assert.Equal((8, 2), (second.Items.Count(item => item.Label == 0), second.Items.Count(item => item.Label == 1)));
        Assert.Equal(second.Items, data.Stratified(0.2, seed: 5).Second.Items);
        Assert.Equal(data.Items.Count, first.Items.Concat(second.Items).Distinct().Count());
    }

    [Fact]
    public void Processes_share_an_epoch_and_balance_makes_classes_equally_likely()
    {
        var items = Enumerable.Range(0, 1000).Select(i => new ImageItem($"{i}", i < 900 ? 0 : 1, [])).ToList();
        var data = new ImageDataSet(items, ["a", "b"]);
        var shuffled = EpochSampler.Shuffled(data, seed: 1);
        var shared = Enumerable.Range(0, 4).SelectMany(rank => shuffled.Epoch(3, rank, 4)).Order();
        Assert.Equal(Enumerable.Range(0, 1000), shared);
        Assert.NotEqual(shuffled.Epoch(0), shuffled.Epoch(1));
        Assert.Equal(7, shuffled.Epoch(0, 6, 150).Count);
        var rare = EpochSampler.Balanced(data, seed: 1).Epoch(0).Count(index => items[index].Label == 1);
        // 500 expected, standard deviation 16.
        Assert.InRange(rare, 420, 580);
    }

    /// <summary>
    /// However many processes there are and however the images divide, together they draw what one process alone would, with equal shares
    /// and the weights as they are.
    /// </summary>
    [Fact]
    public void Weighted_draws_are_the_same_whatever_the_number_of_processes() =>
        Gen.Select(Gen.Double[0, 5].Array[2, 60], Gen.Int[0, 1000], Gen.Int[0, 9], Gen.Int[1, 8])
            .Where(draw => draw.Item1.Sum() > 0)
            .Sample(
            (weights, seed, epoch, processes) =>
            {
                var sampler = EpochSampler.Weighted(weights, seed);
                var alone = sampler.Epoch(epoch);
                var shares = Enumerable.Range(0, processes)
                    .Select(rank => EpochSampler.Weighted(weights, seed).Epoch(epoch, rank, processes))
                    .ToList();
                var together = Enumerable.Range(0, shares[0].Count * processes).Select(i => shares[i % processes][i / processes]).ToList();
                return shares.TrueForAll(share => share.Count == (weights.Length + processes - 1) / processes)
                    && together.Take(alone.Count).SequenceEqual(alone)
                    && together.Skip(alone.Count).SequenceEqual(together.Take(together.Count - alone.Count))
                    && alone.All(index => weights[index] > 0);
            },
            threads: 1);

    [Fact]
    public void Weights_are_the_odds_of_being_drawn()
    {
        var sampler = EpochSampler.Weighted([1, 0, 3, .. Enumerable.Repeat(0.0, 997)], seed: 2);
        var drawn = Enumerable.Range(0, 4).SelectMany(rank => sampler.Epoch(0, rank, 4)).ToList();
        Assert.Equal(1000, drawn.Count);
        Assert.All(drawn, index => Assert.True(index is 0 or 2));
        // 750 expected, standard deviation 14.
        Assert.InRange(drawn.Count(index => index == 2), 680, 820);
    }

    [Theory]
    [InlineData("bsd-pitting", 334, 2)]
    [InlineData("grocery10", 490, 10)]
    public void Real_lists_load(string name, int count, int classes)
    {
        var data = ImageDataSet.FromCsv(SampleFiles.Get($"sets/{name}/labels.csv"));
        Assert.Equal((count, classes), (data.Items.Count, data.Classes.Count));
    }
}
