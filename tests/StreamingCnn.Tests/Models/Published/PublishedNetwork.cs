using System.Globalization;
using StreamingCnn.Models;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Models.Published;

/// <summary>What <c>published.txt</c> says of a network, which <c>published.py</c> wrote from torchvision and timm.</summary>
internal sealed class PublishedNetwork
{
    private static readonly Lazy<Dictionary<string, PublishedNetwork>> All = new(Read);

    private readonly Dictionary<string, double[]> numbers = [];

    /// <summary>Number of parameters, with 1000 classes.</summary>
    public required long Parameters { get; init; }

    /// <summary>Added to the variance of batch norms; 0 where there are none.</summary>
    public required double Eps { get; init; }

    /// <summary>Momentum of batch norms; 0 where there are none.</summary>
    public required double Momentum { get; init; }

    /// <summary>SHA-256 of all names and shapes.</summary>
    public required string Digest { get; init; }

    /// <summary>Names and shapes in order, where they are listed.</summary>
    public List<string> Names { get; } = [];

    /// <summary>Scores of two images in evaluation mode, with the weights of <see cref="Fill"/>.</summary>
    public double[] Evaluation => numbers["evaluation"];

    /// <summary>The same in training mode, without random layers.</summary>
    public double[] Training => numbers["training"];

    /// <summary>Norms of the gradients of parameters, in the order of their names, of a sum of scores weighted by a wave.</summary>
    public double[] Gradients => numbers["gradients"];

    /// <summary>Norms of the buffers after one step, in the order of their names.</summary>
    public double[] Statistics => numbers["statistics"];

    /// <summary>What is said of a network.</summary>
    /// <param name="name">Its published name.</param>
    public static PublishedNetwork Of(string name) => All.Value[name];

    /// <summary>The library's network of a published name, with its classifier.</summary>
    public static NetworkClassifier Create(string name, int classes)
    {
        var norm = name.EndsWith("_gn", StringComparison.Ordinal) ? NormKind.Group : NormKind.Frozen;
        var known = name.Replace("_gn", "", StringComparison.Ordinal)
            .Replace("mobilenet_v3", "mobilenetv3", StringComparison.Ordinal)
            .Replace("regnet_y", "regnety", StringComparison.Ordinal)
            .Replace("swin_t", "swin-tiny", StringComparison.Ordinal)
            .Replace("swin_s", "swin-small", StringComparison.Ordinal)
            .Replace("_6gf", ".6gf", StringComparison.Ordinal)
            .Replace("_2gf", ".2gf", StringComparison.Ordinal)
            .Replace('_', '-');
        return new(ModelCatalog.Create(known, norm: norm), classes);
    }

    /// <summary>A sine wave of so many values.</summary>
    public static Tensor Wave(long count, double shift) =>
        (arange(1, count + 1, dtype: ScalarType.Float64).mul(0.7391) + (1.3 * shift)).sin();

    /// <summary>The two images.</summary>
    public static Tensor Image()
    {
        const long Count = 2 * 3 * 75 * 90;
        return (Wave(Count, 0) * arange(Count, dtype: ScalarType.Float64).mul(0.0113).cos()).reshape(2, 3, 75, 90);
    }

    /// <summary>Gives a network, of double precision, weights that follow from names and places.</summary>
    public static void Fill(Module network)
    {
        using var unrecorded = no_grad();
        foreach (var (index, (name, value)) in network.state_dict().OrderBy(entry => entry.Key, StringComparer.Ordinal).Index())
        {
            if (value.dim() == 0 || !value.is_floating_point())
                continue;
            using var scope = NewDisposeScope();
            var wave = Wave(value.numel(), index).reshape(value.shape);
            value.copy_(
                value.dim() > 1 ? wave * 2 / Math.Sqrt(value.numel() / value.shape[0])
                : name.EndsWith("grn.weight", StringComparison.Ordinal) ? wave
                : name.EndsWith("weight", StringComparison.Ordinal) ? 1 + (0.2 * wave)
                : name.EndsWith("running_var", StringComparison.Ordinal) ? 1 + (0.3 * wave)
                : 0.1 * wave);
        }
    }

    private static Dictionary<string, PublishedNetwork> Read()
    {
        var all = new Dictionary<string, PublishedNetwork>();
        PublishedNetwork? network = null;
        using var text = new StreamReader(typeof(PublishedNetwork).Assembly.GetManifestResourceStream("published.txt")!);
        while (text.ReadLine() is { } line)
        {
            var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (words[0] == "network")
            {
                all.Add(words[1], network = new()
                {
                    Parameters = long.Parse(words[3], CultureInfo.InvariantCulture),
                    Eps = Number(words[5]),
                    Momentum = Number(words[7]),
                    Digest = words[9],
                });
            }
            else if (words[0].Contains('.', StringComparison.Ordinal))
                network!.Names.Add(line[2..]);
            else
                network!.numbers.Add(words[0], [.. words[1..].Select(Number)]);
        }

        return all;
    }

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);
}
