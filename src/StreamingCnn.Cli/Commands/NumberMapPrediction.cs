using System.Globalization;
using System.Text;
using StreamingCnn.Imaging.DataSets;
using StreamingCnn.Training.Maps;
using StreamingCnn.Training.Runs;
using StreamingCnn.Training.Serving;

namespace StreamingCnn.Cli.Commands;

/// <summary>What <c>scnn predict</c> does with a model that gives maps of numbers: what there is of each number.</summary>
/// <param name="predictor">The model.</param>
/// <param name="folder">Where the files go.</param>
/// <param name="options">Which files.</param>
internal sealed class NumberMapPrediction(Predictor predictor, string folder, NumberFilesOptions options)
    : MapPrediction(predictor, folder, [("numbers.csv", "image,number,pixels,mean,least,greatest,sum")])
{
    /// <inheritdoc/>
    private protected override (string[] Lines, long Pixels) Predict(ImageItem image, string stem, Action<string> tell)
    {
        var (numbers, pixels) = Predictor.WriteNumbers(image, stem, options, tell);
        var lines = new StringBuilder();
        var name = PredictionText.Quote(image.Path);
        foreach (var (number, found) in Predictor.Description.Task.Outputs.Zip(numbers))
        {
            lines.Append(CultureInfo.InvariantCulture, $"{name},{PredictionText.Quote(number)},{found.Positions},");
            lines.Append(found.Positions == 0
                ? ",,,\n"
                : string.Create(CultureInfo.InvariantCulture, $"{found.Mean:R},{found.Least:R},{found.Most:R},{found.Sum:R}\n"));
        }

        return ([lines.ToString()], pixels);
    }
}
