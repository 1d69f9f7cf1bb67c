using StreamingCnn.Imaging.Generators;

namespace StreamingCnn.Imaging.Tests.Generators;

public sealed class GeneratorTests
{
    [Fact]
    public void UltraMnist_keeps_its_rules()
    {
        var generator = new UltraMnistGenerator(4000, seed: 3);
        var images = Enumerable.Range(0, 1500).Select(generator.Generate).ToList();
        Assert.All(images, image =>
        {
            Assert.InRange(image.Digits.Count, 3, 5);
            Assert.Equal(image.Label, image.Digits.Sum(digit => digit.Digit));
            Assert.All(
                image.Digits, digit => Assert.True(
                    digit.Top >= 0 && digit.Left >= 0 && digit.Top + digit.Side <= 4000 && digit.Left + digit.Side <= 4000));
            Assert.All(image.Digits, digit => Assert.InRange(digit.Side, 28, 28 * 75));
            for (var i = 0; i < image.Digits.Count; i++)
                Assert.DoesNotContain(image.Digits.Skip(i + 1), image.Digits[i].Overlaps);
        });
        // Each of the 28 sums is equally likely: chi-squared with 27 degrees of freedom lies below 55 in 99.9 % of samples.
        var expected = images.Count / 28.0;
        var counts = Enumerable.Range(0, 28).Select(sum => images.Count(image => image.Label == sum));
        Assert.InRange(counts.Sum(count => Math.Pow(count - expected, 2) / expected), 5, 55);
        // The number of digits does not depend on the sum, so it says nothing about the label: a third of the images each, whether their
        // sum is small or large.
        foreach (var half in images.GroupBy(image => image.Label < 14))
            Assert.All(
                Enumerable.Range(3, 3),
                count => Assert.InRange(half.Count(image => image.Digits.Count == count) / (double)half.Count(), 0.27, 0.40));
        // Sizes are spread evenly over orders of magnitude between 28 and 28 x 75 pixels, but for large ones that found no place.
        var median = images.SelectMany(image => image.Digits).Select(digit => Math.Log(digit.Side / 28.0) / Math.Log(75)).Order().ElementAt(
            images.Sum(image => image.Digits.Count) / 2);
        Assert.InRange(median, 0.43, 0.52);
        Assert.True(images.SelectMany(image => image.Digits).Max(digit => digit.Side) > 1500);
    }

    [Fact]
    public void Needles_hold_exactly_one_three_or_none()
    {
        var generator = new NeedleGenerator(512, seed: 9, density: 0.5);
        for (var i = 0; i < 40; i++)
        {
            var image = generator.Generate(i);
            Assert.Equal(i % 2, image.Label);
            Assert.Equal(image.Label, image.Digits.Count(digit => digit.Digit == NeedleGenerator.Needle));
            Assert.Equal(128, image.Digits.Count);
        }
    }

    [Fact]
    public void Small_needles_stay_within_their_squares()
    {
        using var image = new NeedleGenerator(256, seed: 9, density: 0.1, digitSide: 14).Generate(1);
        using var scope = TorchSharp.torch.NewDisposeScope();
        var pixels = image.Read(0, 0, 256, 256).clone();
        Assert.All(image.Digits, digit =>
        {
            Assert.Equal(14, digit.Side);
            var square = pixels.narrow(2, digit.Top, 14).narrow(3, digit.Left, 14);
            // A digit that was cut off instead of made smaller would touch a side of its square with thick ink.
            Assert.InRange(square.gt(127).sum().item<long>(), 8, 70);
            square.zero_();
        });
        Assert.Equal(0, pixels.max().item<byte>());
    }

    [Theory]
    [InlineData(7)]
    [InlineData(29)]
    public void Sizes_of_needles_have_bounds(int side) =>
        Assert.Equal(
            $"Digits must be 8 to 28 pixels high and wide. (Parameter 'digitSide'){Environment.NewLine}Actual value was {side}.",
            Assert.Throws<ArgumentOutOfRangeException>(() => new NeedleGenerator(256, seed: 1, digitSide: side)).Message);

    [Fact]
    public void Windows_agree_and_the_seed_decides()
    {
        using var image = new UltraMnistGenerator(300, seed: 1).Generate(4);
        Windows.AssertIndependent(image);
        using var again = new UltraMnistGenerator(300, seed: 1).Generate(4);
        using var other = new UltraMnistGenerator(300, seed: 2).Generate(4);
        using var scope = TorchSharp.torch.NewDisposeScope();
        var pixels = image.Read(0, 0, 300, 300);
        Assert.True(Windows.Same(pixels, again.Read(0, 0, 300, 300)));
        Assert.False(Windows.Same(pixels, other.Read(0, 0, 300, 300)));
    }

    [Fact]
    public void Mnist_files_are_used_when_given()
    {
        var digits = new MnistDigits(
            SampleFiles.Get("sets/mnist/t10k-images-idx3-ubyte.gz"), SampleFiles.Get("sets/mnist/t10k-labels-idx1-ubyte.gz"));
        var random = new Random(1);
        // A 1 has much less ink than a 0: pictures and labels belong together.
        double Ink(int digit) => Enumerable.Range(0, 200).Average(_ => digits.Draw(digit, random).Average(value => (double)value));
        Assert.InRange(Ink(1) / Ink(0), 0.3, 0.6);
    }
}
