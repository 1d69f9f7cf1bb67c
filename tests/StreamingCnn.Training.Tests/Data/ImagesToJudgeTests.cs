using StreamingCnn.Imaging;
using StreamingCnn.Imaging.DataSets;
using StreamingCnn.Imaging.Export;
using StreamingCnn.Training.Data;
using StreamingCnn.Training.Tasks;
using static TorchSharp.torch;

namespace StreamingCnn.Training.Tests.Data;

public class ImagesToJudgeTests
{
    private static readonly ImagePreparation Preparation = new() { Channels = 3 };

    [Fact]
    public void Labels_are_those_of_the_model_even_where_the_data_have_fewer()
    {
        using var folder = Images("1", "2");
        var table = folder.Write("data.csv", "image,label\n1.png,cat\n2.png,dog\n");

        var (samples, part) = ImagesToJudge.Read(table, new ClassificationTask(["ape", "cat", "dog"]), Preparation);

        Assert.Equal([1, 2], samples.Select(sample => sample.Label));
        Assert.Equal("all", part);
    }

    [Fact]
    public void The_test_part_is_taken_where_there_is_one()
    {
        using var folder = Images("1", "2", "3");
        var table = folder.Write("data.csv", "image,label,split\n1.png,a,train\n2.png,b,test\n3.png,b,val\n");
        var task = new ClassificationTask(["a", "b"]);

        Assert.Equal("2.png", Path.GetFileName(Assert.Single(ImagesToJudge.Read(table, task, Preparation).Samples).Name));
        Assert.Equal(
            "3.png", Path.GetFileName(Assert.Single(ImagesToJudge.Read(table, task, Preparation, part: "validation").Samples).Name));
        Assert.Equal(3, ImagesToJudge.Read(table, task, Preparation, part: "all").Samples.Count);
    }

    [Fact]
    public void Columns_are_named_like_the_outputs_unless_told_otherwise()
    {
        using var folder = Images("1");
        var table = folder.Write("data.csv", "image,age,years\n1.png,4,5\n");

        Assert.Equal([4], ImagesToJudge.Read(table, new RegressionTask(["age"]), Preparation).Samples[0].Targets);
        Assert.Equal([5], ImagesToJudge.Read(table, new RegressionTask(["age"]), Preparation, ["years"]).Samples[0].Targets);
    }

    [Fact]
    public void What_the_model_does_not_know_is_named()
    {
        using var folder = Images("1");
        var table = folder.Write("data.csv", "image,label,split\n1.png,cow,train\n");
        var task = new ClassificationTask(["ape", "cat"]);

        Assert.Contains(
            "the class 'cow' is none of those that the model tells apart: ape, cat",
            Refusal(() => ImagesToJudge.Read(table, task, Preparation)));
        Assert.Contains("no image is in the part 'test'", Refusal(() => ImagesToJudge.Read(table, task, Preparation, part: "test")));
        Assert.Contains(
            "the model predicts numbers, which folders cannot tell",
            Refusal(() => ImagesToJudge.Read(folder.Path, new RegressionTask(["age"]), Preparation)));
        Assert.StartsWith(
            "'tests' is no part",
            Assert.Throws<ArgumentException>(() => ImagesToJudge.Read(table, task, Preparation, part: "tests")).Message);
    }

    private static string Refusal(Action read) => Assert.Throws<DataSetException>(read).Message;

    private static TemporaryFolder Images(params string[] names)
    {
        var folder = new TemporaryFolder();
        foreach (var name in names)
        {
            using var image = new TensorImageSource(rand(1, 3, 20, 30) * 255);
            ImageFile.Write(image, folder.File($"{name}.png"));
        }

        return folder;
    }
}
