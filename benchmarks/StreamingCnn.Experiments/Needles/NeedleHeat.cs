using StreamingCnn.Imaging;
using StreamingCnn.Imaging.Generators;
using StreamingCnn.Training;
using StreamingCnn.Training.Saliency;
using static TorchSharp.torch;

namespace StreamingCnn.Experiments.Needles;

/// <summary>How much of a map's heat lies on the needle.</summary>
/// <param name="HottestOnNeedle">Share of the hottest pixels that lie in the square of the needle, 0 to 1.</param>
/// <param name="PeakOnNeedle">Whether the very hottest pixel does.</param>
/// <param name="PeakOn">The digit whose square holds the hottest pixel; null for the background.</param>
internal sealed record NeedleHeat(double HottestOnNeedle, bool PeakOnNeedle, int? PeakOn)
{
    /// <summary>Share of all pixels that count as the hottest.</summary>
    public const double Hottest = 0.001;

    /// <summary>Makes the map of an image for the positive class and holds it against the needle's place.</summary>
    /// <param name="model">The model.</param>
    /// <param name="image">The image as the network sees it, at full resolution.</param>
    /// <param name="canvas">What was drawn.</param>
    /// <param name="options">How the map is made; must not clip.</param>
    public static NeedleHeat Of(StreamingClassifier model, IImageSource image, DigitCanvas canvas, SaliencyOptions options)
    {
        using var scope = NewDisposeScope();
        using var map = SaliencyMap.Compute(model, image, options);
        var count = (int)Math.Ceiling(Hottest * map.Height * map.Width);
        var (_, indices) = map.Read(0, 0, map.Height, map.Width).flatten().topk(count);
        var places = indices.data<long>().ToArray().Select(index => (Y: index / map.Width, X: index % map.Width)).ToArray();
        var needle = canvas.Digits.Single(digit => digit.Digit == NeedleGenerator.Needle);
        return new(
            places.Average(place => Holds(needle, place) ? 1.0 : 0),
            Holds(needle, places[0]),
            canvas.Digits.FirstOrDefault(digit => Holds(digit, places[0]))?.Digit);
    }

    private static bool Holds(PlacedDigit digit, (long Y, long X) place) =>
        place.Y >= digit.Top && place.Y < digit.Top + digit.Side && place.X >= digit.Left && place.X < digit.Left + digit.Side;
}
