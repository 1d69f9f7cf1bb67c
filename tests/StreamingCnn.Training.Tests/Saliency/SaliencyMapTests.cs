using NetVips;
using StreamingCnn.Imaging;
using StreamingCnn.Models;
using StreamingCnn.Training.Heads;
using StreamingCnn.Training.Saliency;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Training.Tests.Saliency;

public class SaliencyMapTests
{
    private const int Height = 389;
    private const int Width = 613;
    private static readonly (int Height, int Width) Tile = (64, 96);

    [Theory]
    [InlineData(HeadPooling.Average)]
    [InlineData(HeadPooling.Max)]
    [InlineData(HeadPooling.Attention)]
    public void The_gradient_in_the_file_is_that_of_the_whole_image(HeadPooling pooling)
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        var (model, image) = (Model(pooling), Image());
        using (model)
        {
            var whole = image.clone().requires_grad_(true);
            model.eval();
            var scores = model.Head.forward(model.Features.Trunk.forward(whole));
            scores[0, 1].backward();
            model.zero_grad();

            using var map = SaliencyMap.Compute(
                model, new TensorImageSource(image.alias()), new() { Target = 1, Blur = 0, Percentile = 100 });
            map.WriteRawTiff(folder.File("gradient.tif"));
            map.WriteTiff(folder.File("saliency.tif"));

            var raw = Pixels(folder.File("gradient.tif"));
            var heat = Pixels(folder.File("saliency.tif"));
            var expected = whole.grad!;
            var tolerance = 1e-5 * expected.abs().max().item<float>();
            Assert.Equal(expected.shape, raw.shape);
            Assert.True((raw - expected).abs().max().item<float>() <= tolerance);
            Assert.True((heat - expected.abs().amax([1], keepdim: true)).abs().max().item<float>() <= tolerance);
            Assert.True(
                (map.ReadRaw(60, 90, 10, 12) - expected.narrow(2, 60, 10).narrow(3, 90, 12)).abs().max().item<float>() <= tolerance);
            Assert.Equal(
                scores.data<float>().Select(score => Math.Round((double)score, 4)), map.Scores.Select(score => Math.Round(score, 4)));
            Assert.All(
                model.parameters(), parameter => Assert.True(
                    parameter.requires_grad && (parameter.grad is not { } own || own.count_nonzero().item<long>() == 0)));
        }
    }

    [Fact]
    public void The_gradient_of_a_photograph_of_ten_megapixels_is_that_of_the_whole_image()
    {
        var path = Path.Combine(SharedFiles.Folder("data"), "photo", "fundus-IDRiD_04-3798x2848.jpg");
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        manual_seed(3);
        using var model = new StreamingClassifier(PaperTrunks.Small(), 2, new() { Tile = (512, 640) });
        using var image = new NormalizedSource(ImageSource.Open(path), Normalization.Symmetric);
        using (var map = SaliencyMap.Compute(model, image, new() { Target = 1, Blur = 0, Percentile = 100 }))
            map.WriteRawTiff(folder.File("gradient.tif"));

        foreach (var parameter in model.parameters())
            parameter.requires_grad_(false);
        var whole = ChannelsLast(image.Read(0, 0, image.Height, image.Width)).requires_grad_(true);
        model.Head.forward(model.Features.Trunk.forward(whole))[0, 1].backward();
        var expected = whole.grad!;
        var raw = Pixels(folder.File("gradient.tif"));
        Assert.Equal([1, 3, 2848, 3798], raw.shape);
        Assert.True((raw - expected).abs_().max().item<float>() <= 1e-5 * expected.abs().max().item<float>());
        using var level = NetVips.Image.Tiffload(folder.File("gradient.tif"), page: 4);
        Assert.Equal((3798 / 16, 2848 / 16), (level.Width, level.Height));
    }

    [Fact]
    public void Files_are_pyramids_that_libvips_opens()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        using var model = Model(HeadPooling.Average);
        using var map = SaliencyMap.Compute(model, new TensorImageSource(Image()), new() { Blur = 2 });
        map.WriteTiff(folder.File("saliency.tif"), micrometresPerPixel: 0.5);

        using var file = NetVips.Image.NewFromFile(folder.File("saliency.tif"));
        Assert.Equal((Width, Height, 1, Enums.BandFormat.Float), (file.Width, file.Height, file.Bands, file.Format));
        Assert.Equal(2000, file.Xres, 3);
        // 613 and 389 halved until one tile holds them.
        Assert.Equal(3, (int)file.Get("n-pages"));
        using var small = NetVips.Image.Tiffload(folder.File("saliency.tif"), page: 2);
        Assert.Equal((Width / 4, Height / 4), (small.Width, small.Height));
        using var half = NetVips.Image.Tiffload(folder.File("saliency.tif"), page: 1);
        using var even = file.Crop(0, 0, Width / 2 * 2, Height / 2 * 2);
        using var expected = even.Shrink(2, 2);
        using var difference = (half - expected).Abs();
        Assert.InRange(difference.Max(), 0, 1e-6 * map.Limit);
        Assert.Equal(2.0, ImageInfo.Read(folder.File("saliency.tif")).Levels[1].Downsample, 1);
        Assert.Equal(map.Limit, file.Max(), 1e-12);
        Assert.Equal(["saliency.tif"], Directory.GetFiles(folder.Path).Select(Path.GetFileName));
    }

    [Fact]
    public void The_blur_is_a_gaussian_and_the_percentile_that_of_all_pixels()
    {
        using var scope = NewDisposeScope();
        using var model = Model(HeadPooling.Average);
        using var sharp = SaliencyMap.Compute(model, new TensorImageSource(Image()), new() { Target = 0, Blur = 0, Percentile = 100 });
        using var map = SaliencyMap.Compute(model, new TensorImageSource(Image()), new() { Target = 0, Blur = 3, Percentile = 90 });

        const int Radius = 12;
        var offsets = arange(-Radius, Radius + 1).to(ScalarType.Float64);
        var kernel = (-(offsets * offsets) / 18).exp();
        kernel /= kernel.sum();
        var padded = functional.pad(
            sharp.Read(0, 0, Height, Width).to(ScalarType.Float64), [Radius, Radius, Radius, Radius], PaddingModes.Replicate);
        var blurred = functional.conv2d(functional.conv2d(padded, kernel.reshape(1, 1, 1, -1)), kernel.reshape(1, 1, -1, 1));
        var limit = blurred.flatten().kthvalue((long)Math.Ceiling(0.9 * Height * Width), 0).values.item<double>();

        // libvips leaves out what lies beyond three standard deviations.
        Assert.Equal(1, map.Limit / limit, 0.01);
        Assert.Equal(1, map.Largest / blurred.max().item<double>(), 0.01);
        Assert.True((map.Read(0, 0, Height, Width) - blurred.clamp_max(limit)).abs().max().item<double>() < 0.01 * limit);
    }

    [Theory]
    [InlineData(50)]
    [InlineData(99)]
    [InlineData(100)]
    [InlineData(0.001)]
    public void Percentiles_are_exact_whatever_the_sign(double percent)
    {
        using var scope = NewDisposeScope();
        var values = randn(1, 1, 91, 77) * 1e-3;
        using var file = new RasterFile(Path.GetTempPath(), 91, 77, 1);
        file.Write(0, values);
        var rank = Math.Max(1, (long)Math.Ceiling(percent / 100 * 91 * 77));
        Assert.Equal(values.flatten().sort().Values[rank - 1].item<float>(), ExactPercentile.Of(file, percent));
    }

    [Fact]
    public void SmoothGrad_is_the_mean_of_noisy_gradients_at_any_tile_size()
    {
        using var scope = NewDisposeScope();
        using var model = Model(HeadPooling.Average);
        var options = new SaliencyOptions { Method = SaliencyMethod.SmoothGrad, Target = 1, Passes = 3, Noise = 0.2, Seed = 5 };
        using var map = SaliencyMap.Compute(model, new TensorImageSource(Image()), options);

        var (image, trunk) = (Image(), model.Features.Trunk);
        var deviation = 0.2 * (image.max() - image.min()).item<float>();
        var expected = zeros_like(image);
        for (var pass = 0; pass < 3; pass++)
        {
            using var noisy = new NoisySource(new TensorImageSource(image.alias()), deviation, (5 * 1_000_003) + pass);
            var whole = ChannelsLast(noisy.Read(0, 0, Height, Width)).requires_grad_(true);
            model.Head.forward(trunk.forward(whole))[0, 1].backward();
            expected += whole.grad! / 3;
        }

        Assert.True((map.ReadRaw(0, 0, Height, Width) - expected).abs().max().item<float>() <= 1e-5 * expected.abs().max().item<float>());
    }

    [Fact]
    public void Noise_is_normal_and_the_same_in_every_window()
    {
        using var scope = NewDisposeScope();
        using var noisy = new NoisySource(new TensorImageSource(zeros(1, 3, 200, 300)), 2, 9);
        var all = noisy.Read(0, 0, 200, 300);
        Assert.Equal(all.narrow(2, 13, 40).narrow(3, 77, 30).data<float>(), noisy.Read(13, 77, 40, 30).data<float>());
        Assert.Equal(0, all.mean().item<float>(), 0.02);
        Assert.Equal(2, all.std().item<float>(), 0.02);
        Assert.Equal(3, (all / 2).pow(4).mean().item<float>(), 0.1);
        Assert.InRange((all[0, 0] * all[0, 1]).mean().item<float>(), -0.05, 0.05);
    }

    [Theory]
    [InlineData(HeadPooling.Average)]
    [InlineData(HeadPooling.Max)]
    [InlineData(HeadPooling.Attention)]
    [InlineData(HeadPooling.TopK)]
    public void A_class_activation_map_weights_the_trunks_channels(HeadPooling pooling)
    {
        using var scope = NewDisposeScope();
        using var model = Model(pooling);
        using var map = SaliencyMap.Compute(
            model,
            new TensorImageSource(Image()),
            new() { Method = SaliencyMethod.ClassActivation, Target = 1, Blur = 0, Percentile = 100 });

        var features = model.Features.Trunk.forward(Image()).detach().requires_grad_(true);
        model.Head.forward(features)[0, 1].backward();
        var weights = pooling == HeadPooling.Attention
            ? features.grad!.mean([2, 3], keepdim: true)
            : model.Head.Classifier.weight[1].reshape(1, -1, 1, 1);
        var small = (features * weights).sum(1, keepdim: true).detach();
        var expected = functional.interpolate(small, [Height, Width], mode: InterpolationMode.Bilinear, align_corners: false);
        var tolerance = 1e-4 * expected.abs().max().item<float>();
        Assert.True((map.ReadRaw(0, 0, Height, Width) - expected).abs().max().item<float>() <= tolerance);
        Assert.True((map.Read(0, 0, Height, Width) - expected.clamp_min(0)).abs().max().item<float>() <= tolerance);
        // With average pooling the mean of the map and the bias are the score itself.
        if (pooling == HeadPooling.Average)
            Assert.Equal(map.Scores[1], small.mean().item<float>() + model.Head.Classifier.bias![1].item<float>(), 1e-4);
    }

    [Theory]
    [InlineData(SaliencyMethod.ClassActivation, HeadPooling.Average)]
    [InlineData(SaliencyMethod.ClassActivation, HeadPooling.TopK)]
    [InlineData(SaliencyMethod.Attention, HeadPooling.Attention)]
    public void A_map_of_positions_takes_one_pass_whether_its_output_is_named_or_not(SaliencyMethod method, HeadPooling pooling)
    {
        using var scope = NewDisposeScope();
        using var model = Model(pooling);
        using var source = new CountedSource(Image());
        using (no_grad())
            model.forward(source);
        var once = source.Pixels;
        var options = new SaliencyOptions { Method = method, Blur = 0, Percentile = 100 };

        using var largest = SaliencyMap.Compute(model, source, options);
        Assert.Equal(2 * once, source.Pixels);
        using var named = SaliencyMap.Compute(model, source, options with { Target = largest.Target });
        Assert.Equal(3 * once, source.Pixels);

        Assert.Equal(named.Scores, largest.Scores);
        var expected = named.ReadRaw(0, 0, Height, Width);
        var difference = largest.ReadRaw(0, 0, Height, Width) - expected;
        Assert.True(difference.abs().max().item<float>() <= 1e-5 * expected.abs().max().item<float>());
    }

    [Fact]
    public void An_attention_map_is_the_softmax_over_all_positions_times_their_number()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        using var model = Model(HeadPooling.Attention);
        var options = new SaliencyOptions { Method = SaliencyMethod.Attention, Blur = 0, Percentile = 100, TemporaryFolder = folder.Path };
        using (var map = SaliencyMap.Compute(model, new TensorImageSource(Image()), options))
        {
            var named = model.Head.state_dict();
            var instances = model.Features.Trunk.forward(Image()).permute(0, 2, 3, 1);
            var gate = Linear(instances, "attentionV").tanh() * Linear(instances, "attentionU").sigmoid();
            var weights = Linear(gate, "attentionWeight").flatten().softmax(0).reshape(1, 1, instances.shape[1], instances.shape[2]);
            var expected = functional.interpolate(
                weights * weights.numel(), [Height, Width], mode: InterpolationMode.Bilinear, align_corners: false);

            Assert.True((map.ReadRaw(0, 0, Height, Width) - expected).abs().max().item<float>() <= 1e-4);
            Assert.InRange(map.Largest, 1, double.MaxValue);

            Tensor Linear(Tensor input, string name) => functional.linear(input, named[$"{name}.weight"], named[$"{name}.bias"]);
        }

        Assert.Empty(Directory.GetFiles(folder.Path));
        using var average = Model(HeadPooling.Average);
        Assert.Equal(
            "The saliency options cannot be used: Method is Attention, but the model's head pools by Average and has no attention.",
            Assert.Throws<ArgumentException>(() => SaliencyMap.Compute(average, new TensorImageSource(Image()), options)).Message);
    }

    [Fact]
    public void Settings_out_of_range_are_named_together()
    {
        using var model = Model(HeadPooling.Average);
        var refusal = Assert.Throws<ArgumentException>(() => SaliencyMap.Compute(
            model,
            new TensorImageSource(zeros(1, 3, 8, 8)),
            new() { Target = 2, Blur = -1, Percentile = 0, Passes = 0, Noise = double.NaN }));
        Assert.Equal(
            "The saliency options cannot be used: Target is 2, but the model's outputs are numbered from 0 to 1; Blur is -1, but must be 0 or more pixels; "
            + "Percentile is 0, but must lie above 0 and not above 100; Passes is 0, but must be at least 1; Noise is NaN, but must be 0 or more.",
            refusal.Message);
    }

    [Fact]
    public void An_image_that_is_no_number_is_refused_and_leaves_no_files()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        using var model = Model(HeadPooling.Average);
        var image = Image();
        image[0, 0, 7, 9] = float.NaN;
        Assert.Throws<TrainingException>(
            () => SaliencyMap.Compute(model, new TensorImageSource(image), new() { TemporaryFolder = folder.Path }));
        Assert.Empty(Directory.GetFiles(folder.Path));
    }

    private static StreamingClassifier Model(HeadPooling pooling)
    {
        manual_seed(3);
        return new(PaperTrunks.Small(), 2, new() { Tile = Tile }, pooling);
    }

    private static Tensor Image() => rand([1, 3, Height, Width], generator: new Generator(11));

    /// <summary>
    /// An image that lies in memory as the maps of streamed runs do. In another order rounding is another, and takes one value in millions
    /// to the other side of a ReLU's kink.
    /// </summary>
    private static Tensor ChannelsLast(Tensor image) => image.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2);

    private static Tensor Pixels(string path)
    {
        using var file = NetVips.Image.NewFromFile(path);
        return tensor(file.WriteToMemory<float>(), [file.Height, file.Width, file.Bands]).permute(2, 0, 1).unsqueeze(0);
    }

    /// <summary>Counts the pixels that are read.</summary>
    private sealed class CountedSource(Tensor image) : IImageSource
    {
        private readonly TensorImageSource inner = new(image);

        public long Pixels { get; private set; }

        public int Channels => inner.Channels;

        public long Height => inner.Height;

        public long Width => inner.Width;

        public Tensor Read(long top, long left, long height, long width)
        {
            Pixels += height * width;
            return inner.Read(top, left, height, width);
        }

        public void Dispose() => inner.Dispose();
    }
}
