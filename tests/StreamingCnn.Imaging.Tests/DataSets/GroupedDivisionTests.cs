using StreamingCnn.Imaging.DataSets;

namespace StreamingCnn.Imaging.Tests.DataSets;

/// <summary>What holds of every division: groups stay together, nothing is empty, classes are shared out, and the seed decides.</summary>
public class GroupedDivisionTests
{
    [Theory]
    [InlineData(2)]
    [InlineData(5)]
    public void No_group_is_divided_and_classes_are_shared_out(int folds)
    {
        for (var seed = 0; seed < 40; seed++)
        {
            var (data, groups) = Random(seed, images: 200, groups: 60);

            var parts = GroupedDivision.Of(data, [.. Enumerable.Repeat(1.0, folds)], seed, groups);

            Assert.All(parts.Zip(groups).GroupBy(one => one.Second, one => one.First), group => Assert.Single(group.Distinct()));
            foreach (var label in Enumerable.Range(0, 3))
            {
                var counts = Enumerable.Range(0, folds)
                    .Select(part => parts.Where((own, i) => own == part && data.Items[i].Label == label).Count()).ToArray();
                // A group has about three images, so that more cannot be asked for.
                Assert.InRange(counts.Max() - counts.Min(), 0, 6);
            }

            Assert.Equal(parts, GroupedDivision.Of(data, [.. Enumerable.Repeat(1.0, folds)], seed, groups));
        }
    }

    [Fact]
    public void Shares_are_kept_and_the_seed_decides()
    {
        var (data, groups) = Random(1, images: 300, groups: 100);

        var parts = GroupedDivision.Of(data, [0.6, 0.3, 0.1], 1, groups);

        Assert.InRange(parts.Count(part => part == 0), 174, 186);
        Assert.InRange(parts.Count(part => part == 1), 84, 96);
        Assert.InRange(parts.Count(part => part == 2), 24, 36);
        Assert.NotEqual(parts, GroupedDivision.Of(data, [0.6, 0.3, 0.1], 2, groups));
    }

    [Fact]
    public void Each_image_by_itself_is_shared_out_to_one()
    {
        var data = new ImageDataSet([.. Enumerable.Range(0, 30).Select(i => new ImageItem($"{i}", i % 2, []))], ["a", "b"]);

        var parts = GroupedDivision.Of(data, [1, 1, 1], 3);

        Assert.All(Enumerable.Range(0, 3), part => Assert.Equal((5, 5), (Count(part, 0), Count(part, 1))));

        int Count(int part, int label) => parts.Where((own, i) => own == part && data.Items[i].Label == label).Count();
    }

    [Fact]
    public void Labels_and_numbers_are_shared_out_too()
    {
        var labels = new ImageDataSet([.. Enumerable.Range(0, 40).Select(i => new ImageItem($"{i}", -1, [i % 10 == 0 ? 1 : 0, i % 2]))],
            ["rare", "common"]);
        var numbers = new ImageDataSet([.. Enumerable.Range(0, 40).Select(i => new ImageItem($"{i}", -1, [i * i]))], []);

        var ofLabels = GroupedDivision.Of(labels, [1, 1], 1);
        var ofNumbers = GroupedDivision.Of(numbers, [1, 1], 1);

        Assert.Equal(2, ofLabels.Where((part, i) => part == 0 && i % 10 == 0).Count());
        // Eight of each fifth.
        Assert.All(Enumerable.Range(0, 5), fifth => Assert.Equal(4, ofNumbers.Where((part, i) => part == 0 && i / 8 == fifth).Count()));
    }

    [Fact]
    public void As_many_groups_as_parts_fill_each_and_fewer_are_refused()
    {
        var data = new ImageDataSet([.. Enumerable.Range(0, 6).Select(i => new ImageItem($"{i}", 0, []))], ["a"]);
        string[] groups = ["p", "q", "p", "q", "p", "q"];

        Assert.Equal([0, 1], GroupedDivision.Of(data, [0.9, 0.1], 1, groups).Distinct().Order());
        Assert.Equal(
            "2 groups of images cannot be divided into 3 parts; ask for fewer parts, or add images.",
            Assert.Throws<ArgumentException>(() => GroupedDivision.Of(data, [1, 1, 1], 1, groups)).Message);
    }

    [Fact]
    public void A_column_is_written_behind_all_others()
    {
        using var folder = new TemporaryFolder();
        var table = folder.Write("t.csv", "image;note;label\n\"a;1.png\";x;0,5\n\nb.png;\"two\nlines\";1\n");

        Assert.Equal("image;note;label;split\n\"a;1.png\";x;0,5;train\nb.png;\"two\nlines\";1;test\n",
            TableColumn.Append(table, "split", new Dictionary<int, string> { [2] = "train", [5] = "test" }));
        Assert.Contains("there is a column 'label' already",
            Assert.Throws<DataSetException>(() => TableColumn.Append(table, "label", new Dictionary<int, string>())).Message);
    }

    private static (ImageDataSet Data, string[] Groups) Random(int seed, int images, int groups)
    {
        var random = new Random(seed);
        var items = Enumerable.Range(0, images).Select(i => new ImageItem($"{i}", random.Next(3), [])).ToArray();
        return (new(items, ["a", "b", "c"]), [.. items.Select(_ => $"{random.Next(groups)}")]);
    }
}
