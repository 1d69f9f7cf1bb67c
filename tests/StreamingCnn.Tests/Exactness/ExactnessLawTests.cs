using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Tests.Exactness;

/// <summary>The law of exactness tells an ill-conditioned network from a wrong one.</summary>
public class ExactnessLawTests
{
    // Moved by 1e-15, a difference of 1e-6 moves by up to 2e-9 of itself.
    private const double Apart = 1e-6;

    [Theory]
    [InlineData(1, 1e-13, true)]
    [InlineData(1, 1e-9, false)]
    [InlineData(Apart, 1e-9, true)]
    [InlineData(Apart, 5e-6, false)]
    [InlineData(1e-12, 1e-2, false)]
    public void A_difference_must_be_what_the_last_place_of_the_image_moves(double apart, double difference, bool holds)
    {
        using var scope = NewDisposeScope();
        using var image = tensor([1, 1 + apart], ScalarType.Float64);

        void Check() => ExactnessLaw.Holds(Step(1 + difference), Step(1), () => Step(1), [image], "a difference");

        if (holds)
            Check();
        else
            Assert.Contains("Output differs by", Assert.ThrowsAny<Exception>(Check).Message);

        StepResults Step(double factor)
        {
            var results = new StepResults();
            results.AddOutput("Output", (image[1] - image[0]) * factor);
            return results;
        }
    }

    [Fact]
    public void Image_and_parameters_are_as_before_to_the_last_bit()
    {
        using var scope = NewDisposeScope();
        manual_seed(3);
        using var image = randn(1000, ScalarType.Float64).requires_grad_(true);
        var before = image.detach().clone();
        var steps = 0;

        Assert.ThrowsAny<Exception>(() => ExactnessLaw.Holds(Step(0.5), Step(1), () => Step(1), [image], "anything"));

        Assert.True(steps > 2 && Compare.AreEqual(image.detach(), before));

        StepResults Step(double factor)
        {
            steps++;
            var results = new StepResults();
            results.AddOutput("Output", image.sum() * factor);
            return results;
        }
    }

    [Fact]
    public void A_gradient_that_only_one_of_them_has_is_a_difference()
    {
        using var scope = NewDisposeScope();
        using var image = ones(1, ScalarType.Float64);

        void Check() => ExactnessLaw.Holds(Step(null), Step(image), () => Step(image), [image], "anything");
        var failure = Assert.ThrowsAny<Exception>(Check);

        Assert.Contains("Gradient of x differs", failure.Message);

        static StepResults Step(Tensor? gradient)
        {
            var results = new StepResults();
            results.AddGradient("x", gradient);
            return results;
        }
    }
}
