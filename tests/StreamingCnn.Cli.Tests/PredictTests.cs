using System.Globalization;
using System.Text.Json;
using StreamingCnn.Training.Data;
using StreamingCnn.Training.Tasks;
using static TorchSharp.torch;

namespace StreamingCnn.Cli.Tests;

public class PredictTests
{
    [Fact]
    public void Predictions_are_those_of_the_network_on_whole_images()
    {
        using var folder = Prepare(2);
        using var model = TrainedModel.Write(folder.File("model.safetensors"), TrainedModel.Classes);
        model.eval();

        var run = CommandLine.Run("predict", folder.File("model.safetensors"), folder.File("data"), "--tile", "32");

        Assert.Equal("", run.Errors);
        Assert.Equal(Program.Success, run.ExitCode);
        var lines = run.Output.TrimEnd().Split('\n');
        Assert.Equal("image,predicted,dark,light", lines[0]);
        Assert.Equal(3, lines.Length);
        foreach (var fields in lines.Skip(1).Select(line => line.Split(',')))
        {
            using var image = new ImagePreparation { Channels = 3 }.Open(fields[0]);
            using var grad = no_grad();
            var whole = model.Head.forward(model.Features.Trunk.forward(image.Read(0, 0, image.Height, image.Width))).softmax(1);
            Assert.Equal(whole[0, 1].item<float>(), double.Parse(fields[3], CultureInfo.InvariantCulture), 1e-5);
            Assert.Equal(whole[0, 1].item<float>() > 0.5f ? "light" : "dark", fields[1]);
        }
    }

    [Fact]
    public void Files_folders_patterns_and_tables_name_the_same_images()
    {
        using var folder = Prepare(4);
        using var model = TrainedModel.Write(folder.File("model.safetensors"), TrainedModel.Classes);
        folder.Write("data/.hidden/5.npy", "");
        folder.Write("data/notes.txt", "no image");
        var table = folder.Write("data/list.csv", "path;note\ndark/0.npy;x\ndark/2.npy;\nlight/1.npy;\nlight/3.npy;\n");
        string Predict(params string[] images) => CommandLine.Run(["predict", folder.File("model.safetensors"), .. images]).Output;

        var expected = Predict([.. new[] { "dark/0", "dark/2", "light/1", "light/3" }.Select(name => folder.File($"data/{name}.npy"))]);

        Assert.Equal(5, expected.TrimEnd().Split('\n').Length);
        Assert.Equal(expected, Predict(folder.File("data")));
        Assert.Equal(expected, Predict(folder.File("data/dark/*.npy"), folder.File("data/light/?.npy")));
        Assert.Equal(expected, Predict(folder.File("data/**/*.npy")));
        Assert.Equal(expected, Predict(table));
        Assert.Equal(expected, Predict(folder.File("data/dark/*"), folder.File("data")));
    }

    [Fact]
    public void Json_is_written_where_the_file_is_named_so()
    {
        using var folder = Prepare(2);
        using var model = TrainedModel.Write(folder.File("model.safetensors"), new MultiLabelTask(["a \"b\"", "ü"]));

        var run = CommandLine.Run("predict", folder.File("model.safetensors"), folder.File("data"), "-o", folder.File("out.json"));
        var shown = CommandLine.Run("predict", folder.File("model.safetensors"), folder.File("data"), "--format", "json");

        Assert.Equal($"2 of 2 images predicted, in {folder.File("out.json")}.{Environment.NewLine}", run.Output);
        Assert.Equal(File.ReadAllText(folder.File("out.json")), shown.Output);
        using var parsed = JsonDocument.Parse(shown.Output);
        Assert.Equal(2, parsed.RootElement.GetArrayLength());
        Assert.EndsWith("0.npy", parsed.RootElement[0].GetProperty("image").GetString());
        Assert.InRange(parsed.RootElement[1].GetProperty("values").GetProperty("ü").GetDouble(), 0, 1);
        Assert.Contains("\"ü\"", shown.Output);
    }

    [Fact]
    public void What_cannot_be_read_is_told_and_the_rest_goes_on()
    {
        using var folder = Prepare(2);
        using var model = TrainedModel.Write(folder.File("model.safetensors"), TrainedModel.Classes);
        NumpyFile.Write(folder.File("nan.npy"), full([40, 40, 3], float.NaN));
        var text = folder.Write("text.png", "this is no image");

        var run = CommandLine.Run(
            "predict", folder.File("model.safetensors"), "nowhere.tif", text, folder.File("data"), folder.File("nan.npy"));

        Assert.Equal(Program.Negative, run.ExitCode);
        var errors = run.Errors.TrimEnd().Split('\n');
        Assert.Equal(3, errors.Length);
        Assert.StartsWith("error: nowhere.tif: ", errors[0]);
        Assert.StartsWith($"error: {text}: ", errors[1]);
        Assert.Contains("nan.npy' holds values that are not finite numbers, near row 0 and column 0", errors[2]);
        Assert.Equal(3, run.Output.TrimEnd().Split('\n').Length);
    }

    [Fact]
    public void Nothing_that_can_be_read_is_a_failure()
    {
        using var folder = Prepare(1);
        using var model = TrainedModel.Write(folder.File("model.safetensors"), TrainedModel.Classes);

        Assert.Equal(Program.Failure, CommandLine.Run("predict", folder.File("model.safetensors"), "nowhere.tif").ExitCode);
    }

    [Fact]
    public void Names_of_nothing_are_refused()
    {
        using var folder = Prepare(1);
        using var model = TrainedModel.Write(folder.File("model.safetensors"), TrainedModel.Classes);
        Directory.CreateDirectory(folder.File("empty"));
        var weights = folder.File("model.safetensors");

        CommandLine.Run("predict", weights, folder.File("empty"))
            .IsRefused($"The folder '{folder.File("empty")}' holds no images; a file with another ending than .tif, .tiff, .jpg, .jpeg, .png ... has to be named itself.");
        CommandLine.Run("predict", weights, folder.File("*.tif")).IsRefused($"No file matches the pattern '{folder.File("*.tif")}'.");
        CommandLine.Run("predict", weights, folder.Write("a.csv", "picture,label\n1.png,2\n"))
            .IsRefused($"The table '{folder.File("a.csv")}' has no column image, path, file; its columns are picture, label.");
        CommandLine.Run("predict", weights, folder.Write("b.csv", "image\n")).IsRefused(
            $"The table '{folder.File("b.csv")}' names no image below its first line.");
        CommandLine.Run("predict", weights, "x.tif", "--format", "xml").IsRefused("'xml' is no format; write csv or json.");
    }

    [Fact]
    public void Weights_that_are_no_model_are_refused()
    {
        using var folder = Prepare(1);
        using var model = TrainedModel.Write(folder.File("model.safetensors"), TrainedModel.Classes);
        using var other = TrainedModel.Write(folder.File("other.safetensors"), new ClassificationTask(["a", "b", "c"]));
        Interop.Weights.WeightFile.Save(
            other, folder.File("mixed.safetensors"), TrainedModel.Description(TrainedModel.Classes).ToMetadata());
        Interop.Weights.WeightFile.Save(other, folder.File("bare.safetensors"));
        File.WriteAllBytes(folder.File("cut.safetensors"), File.ReadAllBytes(folder.File("model.safetensors"))[..1000]);
        Directory.CreateDirectory(folder.File("run"));
        string Refusal(string name)
        {
            var run = CommandLine.Run("predict", folder.File(name), folder.File("data"));
            Assert.Equal(Program.Failure, run.ExitCode);
            return Assert.Single(run.Errors.TrimEnd().Split('\n'));
        }

        Assert.Contains("There is no file", Refusal("nowhere.safetensors"));
        Assert.Contains("holds no weights; name the folder of a run that has finished an epoch", Refusal("run"));
        Assert.Contains("has 'head.classifier.weight' as [3, ", Refusal("mixed.safetensors"));
        Assert.Contains("does not describe the model that its weights are for", Refusal("bare.safetensors"));
        Assert.Contains("is not a safetensors file, or is damaged", Refusal("cut.safetensors"));
        Assert.Contains("is not a safetensors file, or is damaged", Refusal("data/dark/0.npy"));
    }

    private static TemporaryFolder Prepare(int images)
    {
        var folder = new TemporaryFolder();
        TrainedModel.WriteImages(folder, "data", images);
        return folder;
    }
}
