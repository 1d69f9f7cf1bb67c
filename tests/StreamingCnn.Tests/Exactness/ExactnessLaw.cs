using StreamingCnn.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Tests.Exactness;

/// <summary>
/// Streamed equals whole, in float64, up to rounding. How much that is depends on the network: one that divides by the
/// difference of nearly equal numbers is as sensitive to the last place of its image as to the order of additions. So
/// where a value differs by more than <see cref="Tolerance"/>, the whole image's step is run again with image and
/// parameters moved by a few units in the last place, and the difference must be within a factor of what that moves.
/// </summary>
internal static class ExactnessLaw
{
    /// <summary>The relative difference up to which nothing more is asked.</summary>
    public const double Tolerance = 1e-11;

    // No network is so ill-conditioned that more than this passes for rounding.
    private const double Ceiling = 1e-6;
    // A value that the last place of the image alone moves by more, as the norm of a map that is constant but for rounding, has not one
    // digit that is the network's: nothing is asked of it.
    private const double NoDigit = 0.1;
    private const double Move = 1e-15;

    // Sums of many terms that cancel are rounded by more than inputs move them. A contribution that is lost or counted twice is no matter
    // of such factors: it is a large part of a value.
    private const double Factor = 10_000;
    private const int Moves = 6;

    /// <param name="streamed">What is tested.</param>
    /// <param name="whole">The whole image's.</param>
    /// <param name="again">Runs the whole image's step once more; needed where the network is ill-conditioned.</param>
    /// <param name="leaves">Images and parameters. They are moved for a while.</param>
    /// <param name="what">What is tested, for the message.</param>
    public static void Holds(StepResults streamed, StepResults whole, Func<StepResults> again, IReadOnlyList<Tensor> leaves, object what)
    {
        var errors = streamed.ErrorsAgainst(whole);
        if (errors.All(value => value.Error < Tolerance))
            return;
        var movements = Movements(whole, again, leaves);
        foreach (var ((name, error), movement) in errors.Zip(movements))
        {
            Law.Holds(
                error < Tolerance || movement > NoDigit || error < Math.Min(Factor * movement, Ceiling),
                $"{name} differs by {error:e2}; rounded otherwise, image and parameters move it by {movement:e2}; in {what}");
        }
    }

    /// <summary>How far each value moves when image and parameters do in the last place.</summary>
    private static double[] Movements(StepResults whole, Func<StepResults> again, IReadOnlyList<Tensor> leaves)
    {
        Tensor[] originals = [.. leaves.Select(leaf => leaf.detach().clone())];
        using var generator = new Generator(1);
        var movements = new double[whole.ErrorsAgainst(whole).Count];
        for (var move = 0; move < Moves; move++)
        {
            using var scope = NewDisposeScope();
            Set(original =>
            {
                var drawn = rand(original.shape, ScalarType.Float64, generator: generator);
                return original * drawn.Times(2).Plus(-1).Times(Move).Plus(1);
            });
            var errors = again().ErrorsAgainst(whole);
            for (var i = 0; i < movements.Length; i++)
                movements[i] = Math.Max(movements[i], errors[i].Error);
        }

        Set(original => original);
        return movements;

        void Set(Func<Tensor, Tensor> value)
        {
            using var grad = no_grad();
            foreach (var (leaf, original) in leaves.Zip(originals))
                leaf.copy_(value(original));
        }
    }
}
