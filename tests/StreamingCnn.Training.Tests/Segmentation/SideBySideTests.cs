using StreamingCnn.Imaging;
using StreamingCnn.Imaging.Augmentation;
using StreamingCnn.Imaging.DataSets;
using StreamingCnn.Imaging.Export;
using StreamingCnn.Training.Data;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Training.Tests.Segmentation;

/// <summary>
/// A board and its template as one image: what is learned of them is what is learned of the channels of both, concatenated.
/// </summary>
public sealed class SideBySideTests : IDisposable
{
    private const double Rounding = 1e-12;
    private const int Height = 45;
    private const int Width = 58;

    private readonly TemporaryFolder folder = new();
    private readonly LabelledImages images;
    private readonly ImagePreparation preparation;

    public SideBySideTests()
    {
        using var scope = NewDisposeScope();
        var board = randint(0, 256, [1, 3, Height, Width], ScalarType.Byte, generator: new Generator(2));
        Write("board.png", board);
        Write("other.png", 255 - board);
        Write("template.png", (255 - board.to(ScalarType.Int32)).to(ScalarType.Byte).narrow(1, 1, 1));
        Write("mask.png", randint(0, 3, [1, 1, Height, Width], ScalarType.Byte, generator: new Generator(3)));
        var table = "board,template,mask,split\nboard.png,template.png,mask.png,train\nother.png,template.png,mask.png,val\n";
        images = LabelledImages.Read(
            folder.Write("pairs.csv", table),
            new() { Labels = LabelKind.Mask, ImageColumn = "board", FurtherColumns = ["template"] });
        preparation = new() { Channels = images.Channels, Inputs = images.Inputs, Normalization = Normalization.None };
    }

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(9)]
    [InlineData(16)]
    [InlineData(64)]
    public void Loss_and_gradients_are_those_of_the_concatenated_image(int tile)
    {
        using var scope = NewDisposeScope();
        Assert.Equal([new("board", 3), new("template", 1)], images.Inputs);
        Assert.Equal(4, images.Channels);
        manual_seed(7);
        using var network = Sequential(
            ("one", Conv2d(4, 6, 3, padding: 1)), ("act", ReLU()), ("two", Conv2d(6, 3, 5, padding: 2)));
        using var model = new StreamingSegmenter(network, 3, new() { Tile = (tile, tile) }, isDense: true, imageChannels: 4);
        model.to(ScalarType.Float64);
        var sample = images.Training(preparation)[0];
        using var source = sample.Open(1);
        using var mask = sample.OpenMask!(1);

        var (_, learned, _) = model.Judge(source, mask);
        learned.backward();
        var streamed = model.named_parameters().ToDictionary(one => one.name, one => one.parameter.grad!.clone());
        foreach (var parameter in model.parameters())
            parameter.grad = null;

        using var board = ImageSource.Open(folder.File("board.png"));
        using var template = ImageSource.Open(folder.File("template.png"));
        var whole = cat([board.Read(0, 0, Height, Width), template.Read(0, 0, Height, Width)], 1).to(ScalarType.Float64);
        using var classes = ImageSource.Open(folder.File("mask.png"));
        var expected = functional.cross_entropy(
            network.forward(whole), classes.Read(0, 0, Height, Width).squeeze(1).to(ScalarType.Int64));
        expected.backward();

        Assert.InRange(Math.Abs((expected - learned).item<double>()), 0, Rounding);
        foreach (var (name, parameter) in model.named_parameters())
        {
            var distance = (parameter.grad! - streamed[name]).abs().max() / parameter.grad!.abs().max();
            Assert.InRange(distance.item<double>(), 0, Rounding);
        }
    }

    /// <summary>The template is the board's negative, and stays so wherever its pixels come to lie.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Images_are_changed_alike(long use)
    {
        using var scope = NewDisposeScope();
        var augmentation = new AugmentationOptions
        {
            Mirror = true,
            Flip = true,
            QuarterTurns = true,
            Elastic = 4,
            ElasticSpacing = 16,
            Crop = (24, 24),
        };
        using var source = images.Training(preparation, augmentation)[0].Open(use);

        var window = source.Read(0, 0, source.Height, source.Width).to(ScalarType.Float32);

        Assert.Equal([1, 4, 24, 24], window.shape);
        // What comes from outside of the image is as white in the one as in the other.
        var sum = window[0, 1] + window[0, 3];
        Assert.InRange((sum - 255).abs().lt(0.01).to(ScalarType.Float32).mean().item<float>(), 0.8f, 1);
    }

    /// <summary>
    /// The board, and with it what is to be learned, lies where it lay; the template is moved, by another step in each use, and by none
    /// where images are judged.
    /// </summary>
    [Fact]
    public void One_image_is_moved_against_the_other_and_what_is_learned_stays()
    {
        using var scope = NewDisposeScope();
        var turned = new AugmentationOptions { Mirror = true, Flip = true, Fill = 7 };
        var (still, moving) = (images.Training(preparation, turned)[0], images.Training(preparation, turned with { Offset = 5 })[0]);
        var templates = new List<Tensor>();
        for (var use = 1; use <= 8; use++)
        {
            var (expected, moved) = (Whole(still.Open(use)), Whole(moving.Open(use)));
            Assert.True(Same(expected.narrow(1, 0, 3), moved.narrow(1, 0, 3)));
            Assert.True(Same(Whole(still.OpenMask!(use)), Whole(moving.OpenMask!(use))));
            Assert.True(Same(moved, Whole(moving.Open(use))));
            templates.Add(moved.narrow(1, 3, 1));
            // Along each axis five rows at most come from nowhere; what lies between is the template, somewhere within five pixels.
            var middle = moved.narrow(1, 3, 1).narrow(2, 5, Height - 10).narrow(3, 5, Width - 10);
            var template = expected.narrow(1, 3, 1);
            Assert.Single(
                from down in Enumerable.Range(0, 11)
                from across in Enumerable.Range(0, 11)
                where Same(template.narrow(2, down, Height - 10).narrow(3, across, Width - 10), middle)
                select (down, across));
        }

        Assert.Contains(templates, one => !Same(one, templates[0]));
        Assert.True(Same(Whole(still.Open(0)), Whole(moving.Open(0))));

        static bool Same(Tensor one, Tensor other) => one.equal(other).all().item<bool>();

        static Tensor Whole(IImageSource source)
        {
            using (source)
                return source.Read(0, 0, source.Height, source.Width);
        }
    }

    [Fact]
    public void Both_files_belong_to_the_sample_and_to_what_is_kept_of_it()
    {
        var sample = images.Training(preparation)[0];
        Assert.Equal(["board.png", "template.png", "mask.png"], sample.Files.Select(Path.GetFileName));
        Assert.Equal(preparation.Inputs, ImagePreparation.FromMetadata(preparation.ToMetadata().ToDictionary()).Inputs);
        Assert.StartsWith(
            $"{sample.Name}: the model sees 2 image(s) side by side (board, template), but 1 were given",
            Assert.Throws<ImageFormatException>(() => preparation.Open(sample.Name)).Message,
            StringComparison.Ordinal);
    }

    private void Write(string name, Tensor pixels)
    {
        using var source = new TensorImageSource(pixels);
        ImageFile.Write(source, folder.File(name));
    }
}
