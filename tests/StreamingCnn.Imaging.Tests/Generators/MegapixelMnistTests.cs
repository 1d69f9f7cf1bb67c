using StreamingCnn.Imaging.Generators;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging.Tests.Generators;

public sealed class MegapixelMnistTests
{
    [Fact]
    public void Three_of_five_digits_are_of_the_labels_class_and_none_overlaps_another()
    {
        var generator = new MegapixelMnistGenerator(300, seed: 5, new PlainDigits());
        var images = Enumerable.Range(0, 1000).Select(generator.Generate).ToList();
        Assert.All(images, image =>
        {
            Assert.Equal(5, image.Digits.Count);
            Assert.Equal(3, image.Digits.Count(digit => digit.Digit == image.Label));
            Assert.All(image.Digits, digit => Assert.True(digit is { Side: 28, Top: >= 0 and <= 272, Left: >= 0 and <= 272 }));
            for (var i = 0; i < image.Digits.Count; i++)
                Assert.DoesNotContain(image.Digits.Skip(i + 1), image.Digits[i].Overlaps);
            Assert.Equal(50, image.Covers.Count);
            Assert.All(image.Covers, cover => Assert.True(cover is { Top: >= 28 and < 272, Left: >= 28 and < 272 }));
        });
        // Labels, and the digits that are not the label's, are as likely as each other: chi-squared of 9 degrees of freedom, 27.9 in 99.9 %
        // of samples.
        Assert.InRange(ChiSquared(images.Select(image => image.Label)), 0.1, 27.9);
        Assert.InRange(
            ChiSquared(images.SelectMany(image => image.Digits).Where((_, i) => i % 5 >= 3).Select(digit => digit.Digit)), 0.1, 27.9);
    }

    [Fact]
    public void Noise_covers_what_lies_below_and_windows_agree()
    {
        using var scope = NewDisposeScope();
        var image = new MegapixelMnistGenerator(192, seed: 2).Generate(0);
        Windows.AssertIndependent(image);
        var pixels = image.Read(0, 0, 192, 192)[0, 0];
        var bare = new MegapixelMnistGenerator(192, seed: 2, noise: 0).Generate(0).Read(0, 0, 192, 192)[0, 0];
        var last = image.Covers[^1];
        // The last square is seen whole, black parts included; where there is no square digits are as they were.
        var square = pixels.narrow(0, last.Top, 28).narrow(1, last.Left, 28);
        Assert.True(square.eq(tensor(last.Picture, [28, 28])).all().item<bool>());
        var covered = zeros([192, 192], ScalarType.Bool);
        foreach (var cover in image.Covers)
            covered.narrow(0, cover.Top, 28).narrow(1, cover.Left, 28).fill_(true);
        Assert.True(pixels.eq(bare).logical_or(covered).all().item<bool>());
        Assert.True(bare.eq(pixels).logical_not().any().item<bool>());
    }

    [Fact]
    public void Noise_is_two_lines_that_are_nearly_white()
    {
        var pictures = LineNoise.Draw(50, new Random(3));
        Assert.All(pictures, picture =>
        {
            Assert.All(picture, value => Assert.True(value is 0 or >= 204));
            // A line has a point in each of at least 28 rows or columns; two may lie on each other.
            Assert.InRange(picture.Count(value => value > 0), 28, 112);
        });
        Assert.True(pictures.Select(picture => picture.Count(value => value > 0)).Distinct().Count() > 5);
    }

    [Fact]
    public void Sets_of_a_seed_have_other_noise_and_the_same_digits()
    {
        using var scope = NewDisposeScope();
        var images = new[] { 0, 0, 1 }.Select(set => new MegapixelMnistGenerator(192, seed: 2, set: set).Generate(7)).ToArray();
        var pixels = Array.ConvertAll(images, image => image.Read(0, 0, 192, 192));
        Assert.True(Windows.Same(pixels[0], pixels[1]));
        Assert.False(Windows.Same(pixels[0], pixels[2]));
        Assert.Equal(
            images[0].Digits.Select(digit => (digit.Digit, digit.Top)), images[2].Digits.Select(digit => (digit.Digit, digit.Top)));
        Assert.Throws<ArgumentOutOfRangeException>(() => new MegapixelMnistGenerator(191, seed: 1));
    }

    /// <summary>Empty pictures, which take no time to draw.</summary>
    private sealed class PlainDigits : DigitBank
    {
        public override byte[] Draw(int digit, Random random) => new byte[Side * Side];
    }

    private static double ChiSquared(IEnumerable<int> digits)
    {
        var all = digits.ToList();
        return Enumerable.Range(0, 10).Sum(
            digit => Math.Pow(all.Count(value => value == digit) - (all.Count / 10.0), 2) / (all.Count / 10.0));
    }
}
