using StreamingCnn.Interop.Weights;
using StreamingCnn.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Cli.Tests;

/// <summary>Weights that other programs wrote: what stands before their names is taken off, and said.</summary>
public class ForeignWeightsTests
{
    [Theory]
    [InlineData("lightning.ckpt",
        "The prefix 'model.' is taken off the names of the weights in {0}, entry 'state_dict': all names of the trunk then fit.")]
    [InlineData("lightning.ckpt",
        "Of the weights in {0}, 2 belong to no layer of the trunk and are passed over: "
            + "state_dict.model.fc.weight, state_dict.model.fc.bias.")]
    [InlineData("namespace.pth", "Weights are read from {0}, entry 'model'.")]
    [InlineData("prefix.safetensors",
        "The prefix 'backbone.' is taken off the names of the weights in {0}: all names of the trunk then fit.")]
    public void Files_of_other_programs_start_a_run(string file, string said)
    {
        var folder = Path.Combine(SharedFiles.Folder("cases"), "weights-with-a-prefix-refused");
        var path = Path.Combine(folder, file);
        var run = CommandLine.Run("train", Path.Combine(folder, "l.csv"), "--model", "small", "--weights", path, "--dry-run");
        Assert.Equal("", run.Errors);
        Assert.Contains(string.Format(System.Globalization.CultureInfo.InvariantCulture, said, path), run.Output);
    }

    [Fact]
    public void Of_student_and_teacher_one_is_chosen()
    {
        using var folder = new TemporaryFolder();
        using var scope = NewDisposeScope();
        using var trunk = ModelCatalog.Create("small");
        var path = folder.File("both.safetensors");
        Safetensors.Write(path, trunk.state_dict().SelectMany(w =>
            (KeyValuePair<string, Tensor>[])[new("student." + w.Key, w.Value), new("teacher." + w.Key, w.Value + 1)]));

        Train().IsRefused(
            $"In '{path}' the names of the Sequential stand behind several prefixes, 'student.', 'teacher.', with different values: "
            + "choose one of them by --weights-prefix, or by the argument prefix of WeightFile.Load.");
        var run = Train("--weights-prefix", "teacher.");
        Assert.Equal("", run.Errors);
        Assert.Contains("The prefix 'teacher.' is taken off", run.Output);
        Assert.Contains("do not fit the Sequential: the file lacks '0.weight'", Train("--weights-prefix", "").Errors);
        Assert.Contains("stands behind the prefix 'pupil'", Train("--weights-prefix", "pupil").Errors);

        CommandLine Train(params string[] more) =>
            CommandLine.Run(["train", "--demo", "--dry-run", "--model", "small", "--weights", path, .. more]);
    }

    [Fact]
    public void A_prefix_without_weights_is_refused() =>
        CommandLine.Run("train", "--demo", "--weights-prefix", "model.")
            .IsRefused("--weights-prefix is of --weights alone; leave it out, or name a file of weights.");
}
