using StreamingCnn.Imaging;
using StreamingCnn.Imaging.DataSets;
using StreamingCnn.Imaging.Export;
using StreamingCnn.Training.Data;
using static TorchSharp.torch;

namespace StreamingCnn.Training.Tests.Data;

/// <summary>No patient and no copy of an image on both sides of a split.</summary>
public class DivisionTests
{
    private static readonly ImagePreparation Grey = new() { Channels = 1 };
    private static readonly CsvOptions ByPatient = new() { GroupColumn = "patient" };

    [Fact]
    public void Validation_is_made_of_whole_groups()
    {
        using var folder = Images(24);
        var table = folder.Write("t.csv", Table(24, i => $"p{i / 3}"));

        var images = LabelledImages.Read(table, ByPatient, 0.25);

        var (training, validation) = (images.Training(Grey), images.Validation(Grey));
        Assert.Equal(24, training.Count + validation.Count);
        Assert.Equal(6, validation.Count);
        Assert.Empty(training.Select(sample => sample.Group).Intersect(validation.Select(sample => sample.Group)));
    }

    [Fact]
    public void A_group_in_two_parts_of_the_table_is_refused_by_name()
    {
        using var folder = Images(4);
        var table = folder.Write("t.csv", "image,label,patient,split\n0.png,a,P1,train\n1.png,b,P1,test\n2.png,a,P2,train\n3.png,b,P2,\n");

        var problem = Assert.Single(Assert.Throws<DataSetException>(() => LabelledImages.Read(table, ByPatient)).Problems);

        Assert.Equal("line 2: the group 'P1' stands in the parts 'train', 'test'; move all of it into one", problem);
    }

    [Fact]
    public void Missing_columns_and_empty_groups_are_refused()
    {
        using var folder = Images(2);
        var table = folder.Write("t.csv", "image,label,patient\n0.png,a,P1\n1.png,b,\n");

        Assert.Contains("line 3: patient is empty; write what the image belongs to", Refusal(ByPatient));
        Assert.Contains("there is no column 'pateint'; the columns are image, label, patient", Refusal(new() { GroupColumn = "pateint" }));
        Assert.Contains("folders do not tell what images belong to",
            Assert.Throws<DataSetException>(() => LabelledImages.Read(folder.Path, ByPatient)).Message);

        string Refusal(CsvOptions columns) => Assert.Throws<DataSetException>(() => LabelledImages.Read(table, columns)).Message;
    }

    [Fact]
    public void Every_image_is_the_test_of_one_fold_and_of_the_same_one_as_in_the_table()
    {
        using var folder = Images(24);
        var table = folder.Write("t.csv", Table(24, i => $"p{i / 2}"));
        var divided = folder.Write("divided.csv", DividedTable.Folds(table, ByPatient, 3, seed: 5).Text(table));

        var tests = new List<string>();
        for (var fold = 1; fold <= 3; fold++)
        {
            var images = LabelledImages.Read(table, ByPatient, 0.2, seed: 5, fold: new(fold, 3));
            var sides = new[] { images.Training(Grey), images.Validation(Grey), images.Test(Grey) };
            Assert.Equal(24, sides.Sum(side => side.Count));
            var groups = sides.SelectMany(side => side.Select(sample => sample.Group).Distinct()).ToArray();
            Assert.Equal(groups.Length, groups.Distinct().Count());
            // The column says the same, whatever the seed.
            var listed = LabelledImages.Read(divided, ByPatient, 0.2, seed: 77, fold: new(fold, 3));
            Assert.Equal(Names(sides[2]), Names(listed.Test(Grey)));
            tests.AddRange(Names(sides[2]));
        }

        Assert.Equal(24, tests.Distinct().Count());
        Assert.Contains("no image is in fold 4",
            Assert.Throws<DataSetException>(() => LabelledImages.Read(divided, ByPatient, fold: new(1, 4))).Message);
        Assert.Contains("its fold is none of 1 to 2",
            Assert.Throws<DataSetException>(() => LabelledImages.Read(divided, ByPatient, fold: new(1, 2))).Message);

        static IEnumerable<string> Names(IEnumerable<TrainingSample> side) => side.Select(sample => sample.Name);
    }

    [Fact]
    public void The_test_of_the_table_stays_out_of_all_folds()
    {
        using var folder = Images(9);
        var table = folder.Write("t.csv", "image,label,split\n"
            + string.Concat(Enumerable.Range(0, 9).Select(i => $"{i}.png,{"ab"[i % 2]},{(i > 6 ? "test" : i > 4 ? "val" : "")}\n")));

        var images = LabelledImages.Read(table, validationShare: 0, fold: new(2, 2));

        Assert.DoesNotContain(images.Training(Grey).Concat(images.Test(Grey)), sample =>
            sample.Name.EndsWith("7.png", StringComparison.Ordinal) || sample.Name.EndsWith("8.png", StringComparison.Ordinal));
        Assert.Equal(7, images.Training(Grey).Count + images.Test(Grey).Count);
        Assert.Contains("the 2 image(s) in the part 'test' stay out of all folds, and are not used", images.Notes);
    }

    [Fact]
    public void Copies_are_named_where_the_table_divides_them_and_kept_together_where_we_divide()
    {
        using var folder = Images(12);
        File.Copy(folder.File("0.png"), folder.File("copy.png"));
        var divided = folder.Write("d.csv", "image,label,split\n0.png,a,train\n1.png,b,train\n2.png,a,test\ncopy.png,a,test\n");
        var whole = folder.Write("w.csv", Table(12, i => $"p{i}") + "copy.png,a,p99\n");

        var note = Assert.Single(LabelledImages.Read(divided, validationShare: 0).Notes);
        Assert.Equal(
            "1 image(s) stand in two parts under different names, so that what is measured there is too good: "
            + $"{folder.File("0.png")} (train) = {folder.File("copy.png")} (test); leave them out of one part",
            note);
        for (var seed = 0; seed < 10; seed++)
        {
            var images = LabelledImages.Read(whole, ByPatient, 0.3, seed, fold: new(1, 2));
            Assert.Single(new[] { images.Training(Grey), images.Validation(Grey), images.Test(Grey) }, side =>
                side.Any(sample => sample.Name == folder.File("0.png")) && side.Any(sample => sample.Name == folder.File("copy.png")));
            Assert.DoesNotContain(images.Notes, one => one.Contains("two parts", StringComparison.Ordinal));
        }
    }

    private static string Table(int count, Func<int, string> group) =>
        "image,label,patient\n" + string.Concat(Enumerable.Range(0, count).Select(i => $"{i}.png,{"ab"[i % 2]},{group(i)}\n"));

    private static TemporaryFolder Images(int count)
    {
        var folder = new TemporaryFolder();
        for (var i = 0; i < count; i++)
        {
            // A size of its own for each, so that none is the copy of another.
            using var image = new TensorImageSource(full([1, 1, 9, 10 + i], i, ScalarType.Byte));
            ImageFile.Write(image, folder.File($"{i}.png"));
        }

        return folder;
    }
}
