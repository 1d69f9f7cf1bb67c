using StreamingCnn.Attacks.Tests.Samples;
using StreamingCnn.Cli;
using StreamingCnn.Cli.Commands;
using StreamingCnn.Cli.Input;
using StreamingCnn.Imaging;
using StreamingCnn.Imaging.DataSets;
using StreamingCnn.Imaging.Masks;
using StreamingCnn.Interop.Weights;
using StreamingCnn.Onnx;
using StreamingCnn.Training;
using StreamingCnn.Training.Data;
using StreamingCnn.Training.Runs;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Attacks.Tests;

/// <summary>All readers of files.</summary>
internal static class Targets
{
    private static readonly Type[] OfWeights = [typeof(WeightFileException)];
    private static readonly Type[] OfImages = [typeof(ImageFormatException)];

    public static readonly IReadOnlyList<Target> All =
    [
        new("safetensors", WeightSamples.Safetensors, path => WeightFile.Read(path), OfWeights, 600),
        new("pth", WeightSamples.PyTorch, path => WeightFile.Read(path), OfWeights, 1500),
        new(
            "onnx", OnnxSamples.All, path => OnnxNetwork.Load(path).Dispose(), [
                typeof(OnnxFileException), typeof(UnsupportedOnnxException)
            ], 400),
        new("npy", ArraySamples.All, Pixels, OfImages, 500),
        new("tiff", TiffSamples.All, Pixels, OfImages, 600),
        new("photographs", PhotographSamples.All, Pixels, OfImages, 400),
        new("jpeg2000", Jpeg2000Samples.All, Pixels, OfImages, 300),
        new("mask", PhotographSamples.Masks, path => TissueMask.FromFile(path, 400, 300), OfImages, 200),
        new("table", TableSamples.All, Table, [typeof(DataSetException), typeof(ImageFormatException)], 400),
        new("options", OptionSamples.All, Options, [typeof(ArgumentException)], 200),
        new("run", RunSamples.Weights, Run, OfWeights, 200),
        new("checkpoint", RunSamples.Checkpoints, RunSamples.Resume, [typeof(WeightFileException), typeof(TrainingException)], 200),
    ];

    private static void Pixels(string path)
    {
        using var scope = NewDisposeScope();
        using var source = ImageSource.Open(path);
        var (height, width) = (Math.Min(source.Height, 64), Math.Min(source.Width, 64));
        source.Read(0, 0, height, width);
        source.Read(source.Height - height, source.Width - width, height, width);
        ImageCheck.Read(path);
    }

    private static void Table(string path)
    {
        foreach (var kind in Enum.GetValues<LabelKind>())
        {
            try
            {
                ImageDataSet.FromCsv(path, new CsvOptions { Labels = kind, CheckImages = false });
            }
            catch (DataSetException)
            {
                // What one reading refuses is no reason not to try another.
            }
        }

        // Looking into images takes its time for each row, as it must.
        if (new FileInfo(path).Length < 1000)
            LabelledImages.Read(path);
    }

    private static void Options(string path)
    {
        using var interruption = new Interruption("stopped");
        var command = TrainCommand.Create(interruption, new Job(TextWriter.Null));
        OptionFile.Merge(command, command.Parse(["--demo"]), path);
    }

    private static void Run(string path)
    {
        var (model, _) = ModelDescription.Load(path);
        model.Dispose();
    }
}
