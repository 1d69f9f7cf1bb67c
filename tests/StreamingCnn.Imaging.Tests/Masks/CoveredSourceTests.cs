using CsCheck;
using StreamingCnn.Imaging.Masks;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging.Tests.Masks;

public sealed class CoveredSourceTests
{
    [Fact]
    public void A_position_is_covered_where_any_pixel_beneath_it_is() => Gen.Select(
        Gen.Int[1, 60], Gen.Int[1, 60], Gen.Int[1, 60], Gen.Int[1, 60], Gen.Int[0, 1_000_000]).Sample(Check, iter: 60, threads: 1);

    [Fact]
    public void A_foreground_travels_with_its_image_and_must_have_its_size()
    {
        using var scope = NewDisposeScope();
        var image = new NormalizedSource(new TensorImageSource(zeros([3, 8, 9], ScalarType.Byte)), Normalization.Symmetric);
        using var source = new ForegroundSource(image, new TensorImageSource(ones([1, 8, 9], ScalarType.Byte)));

        Assert.Equal((3, 8L, 9L), (source.Channels, source.Height, source.Width));
        Assert.Equal(-1, source.Read(2, 3, 1, 1)[0, 1, 0, 0].item<float>());
        using var other = new TensorImageSource(ones([1, 9, 8], ScalarType.Byte));
        var error = Assert.Throws<ArgumentException>(() => new ForegroundSource(image, other));
        Assert.Contains("The foreground has 1 channel(s) of 9 x 8 pixels (height x width), but its image has 8 x 9", error.Message);
    }

    private static void Check(int height, int width, int rows, int columns, int seed)
    {
        using var scope = NewDisposeScope();
        (rows, columns) = (Math.Min(rows, height), Math.Min(columns, width));
        var random = new Random(seed);
        var mask = rand([1, height, width], generator: new Generator((ulong)seed)).lt(0.02).to(ScalarType.Byte);
        using var covered = new CoveredSource(new TensorImageSource(mask), rows, columns);

        var whole = covered.Read(0, 0, rows, columns);

        var expected = nn.functional.adaptive_max_pool2d(mask.unsqueeze(0).to(ScalarType.Float32), [rows, columns]);
        Assert.True(whole.to(ScalarType.Float32).Equals(expected));
        Assert.Equal(mask.to(ScalarType.Bool).any().item<bool>(), covered.IsAny());
        var (top, left) = (random.Next(rows), random.Next(columns));
        var (h, w) = (1 + random.Next(rows - top), 1 + random.Next(columns - left));
        Assert.True(covered.Read(top, left, h, w).Equals(whole.narrow(2, top, h).narrow(3, left, w)));
    }
}
