using StreamingCnn.Imaging;
using StreamingCnn.Imaging.Export;
using StreamingCnn.Interop.Weights;
using StreamingCnn.Training.Data;
using StreamingCnn.Training.Heads;
using StreamingCnn.Training.Runs;
using StreamingCnn.Training.Tasks;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Docs.Tests;

/// <summary>
/// A folder as the examples take it for granted: <c>slides.csv</c> with the columns image, label and split, the small slides that it names,
/// one called <c>slide.tif</c>, and <c>runs/first</c>, which training has left. It is the current folder until it is deleted.
/// </summary>
internal sealed class SampleFolder : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly string before = Environment.CurrentDirectory;

    public SampleFolder()
    {
        random.manual_seed(1);
        var lines = new List<string> { "image,label,split" };
        foreach (var (i, part) in new[] { "train", "train", "train", "train", "validation", "validation", "test", "test" }.Index())
        {
            Directory.CreateDirectory(folder.File("slides"));
            Write($"slides/{i}.tif", i % 2 * 90);
            lines.Add($"slides/{i}.tif,{(i % 2 == 0 ? "normal" : "tumour")},{part}");
        }

        Write("slide.tif", 40);
        WriteRun("runs/first");
        folder.Write("slides.csv", string.Join('\n', lines) + "\n");
        Environment.CurrentDirectory = folder.Path;
    }

    public void Dispose()
    {
        Environment.CurrentDirectory = before;
        folder.Dispose();
    }

    private void WriteRun(string name)
    {
        var description = new ModelDescription
        {
            Trunk = "small",
            Task = new ClassificationTask(["normal", "tumour"]),
            Pooling = HeadPooling.Average,
            Preparation = new ImagePreparation { Channels = 3 },
        };
        using var model = description.Create();
        Directory.CreateDirectory(folder.File(name));
        WeightFile.Save(model, new RunFolder(folder.File(name)).BestWeights, description.ToMetadata());
    }

    private void Write(string name, int brightness)
    {
        using var scope = NewDisposeScope();
        using var image = new TensorImageSource(((rand(3, 190, 230) * 120) + brightness).to(ScalarType.Byte));
        ImageFile.Write(image, folder.File(name));
    }
}
