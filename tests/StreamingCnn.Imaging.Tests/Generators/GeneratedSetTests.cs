using StreamingCnn.Imaging.DataSets;
using StreamingCnn.Imaging.Generators;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging.Tests.Generators;

public sealed class GeneratedSetTests
{
    [Fact]
    public void A_folder_holds_every_image_once_with_its_label_and_part()
    {
        using var folder = new TemporaryFolder();
        using var scope = NewDisposeScope();
        var set = Needles(10);
        var told = new List<int>();
        var labels = set.Write(folder.Path, "png", told.Add);
        Assert.Equal(Enumerable.Range(1, 10), told);
        var data = ImageDataSet.FromCsv(Path.Combine(folder.Path, "labels.csv"));
        Assert.Equal(["0", "1"], data.Classes);
        Assert.Equal(labels, data.Items.Select(item => item.Label));
        Assert.Equal((6, 2, 2), (data.Part("train").Items.Count, data.Part("validation").Items.Count, data.Part("test").Items.Count));
        foreach (var (item, image) in data.Items.Zip(set.Images()))
        {
            using var file = ImageSource.Open(item.Path);
            Assert.True(Windows.Same(image.Read(0, 0, 96, 96), file.Read(0, 0, 96, 96)));
        }

        var error = Assert.Throws<IOException>(() => set.Write(folder.Path));
        Assert.Contains("has a labels.csv already", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Parts_add_up_and_leave_something_to_train_on()
    {
        Assert.Equal([("train", 70), ("validation", 20), ("test", 10)], GeneratedSet.Divide(100, 0.2, 0.1));
        Assert.Equal([("train", 3), ("validation", 0), ("test", 0)], GeneratedSet.Divide(3, 0.1, 0.1));
        Assert.Throws<ArgumentException>(() => GeneratedSet.Divide(10, 0.5, 0.5));
    }

    [Fact]
    public void A_contact_sheet_shows_images_in_rows_with_labels_above()
    {
        using var scope = NewDisposeScope();
        using var sheet = ContactSheet.Of(Needles(5).Images(), columns: 3, side: 96);
        Assert.Equal((1, 2 * (28 + 96 + 6), 3 * (96 + 6)), (sheet.Channels, sheet.Height, sheet.Width));
        var first = Needles(5).Images().First();
        Assert.True(Windows.Same(first.Read(0, 0, 96, 96), sheet.Read(28, 0, 96, 96)));
        // The place of the sixth is empty; the label of the second is a 1.
        Assert.True(sheet.Read(130, 204, 130, 102).eq(255).all().item<bool>());
        Assert.Equal(0, sheet.Read(0, 102, 28, 28).min().ToInt32());
    }

    private static GeneratedSet Needles(int count) =>
        new(
            [
                .. GeneratedSet.Divide(count, 0.2, 0.2).Select(
                    part => (part.Name, part.Count, (Func<int, DigitCanvas>)new NeedleGenerator(96, seed: 4).Generate))
            ]);
}
