#:project ../src/StreamingCnn.Training/StreamingCnn.Training.csproj
#:property UsesSkia=true

// The numerical comparison of the original StreamingCNN: its network (six convolutions without padding), an image of 1024 x 1024 pixels, tiles of 512, the binary cross-entropy of
// the output's mean, float64. Output, loss, and the gradients of the image, of every kernel and bias, and of the feature map behind every convolution are held against ordinary
// backpropagation of the whole image. Then the same with tiles that the original cannot run. Exit code 1 where anything differs by more than rounding.
//
//     dotnet run -c Release examples/numerical-comparison.cs [folder for comparison.csv and comparison.png] [side of the image, 1024 px]

using System.Diagnostics;
using System.Globalization;
using System.Text;
using ScottPlot;
using ScottPlot.TickGenerators;
using StreamingCnn;
using StreamingCnn.Models;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

const double Tolerance = 1e-12;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
// The first that this machine has. Left to itself, the library that draws may take one with serifs.
string[] fonts = ["Inter", "Segoe UI", "Helvetica Neue", "Arial", "Liberation Sans", "Noto Sans", "Open Sans", "DejaVu Sans"];
Fonts.Default = fonts.FirstOrDefault(SkiaSharp.SKFontManager.Default.FontFamilies.Contains) ?? Fonts.Default;
var folder = args.Length > 0 ? args[0] : Path.Combine(Path.GetTempPath(), "numerical-comparison");
var side = args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 1024;
(int Height, int Width, string Why)[] tiles =
[
    (512, 512, "as in the original"),
    (250, 333, "no multiples of 8, the network's stride"),
    (37, side, "lower than the 60 rows that the original loses at a tile's edges"),
];

random.manual_seed(1);
using var trunk = ModelCatalog.Create("comparison").to(ScalarType.Float64);
using var image = randn(1, 3, side, side, dtype: ScalarType.Float64);
var layers = trunk.children().ToArray();
var clock = new Stopwatch();
// Streamed runs come first: from then on large tensors live in a heap that keeps what is freed, and the whole image takes a fraction of its time.
var streamed = Array.ConvertAll(tiles, tile => Timed(() => Streamed(tile.Height, tile.Width)));
var (whole, wholeSeconds) = Timed(Whole);
Console.WriteLine($"whole image: {wholeSeconds:0.0} s, loss {whole["loss"].item<double>():0.0000000000}");

var rows = new List<Row>();
foreach (var ((height, width, why), (found, seconds)) in tiles.Zip(streamed))
{
    Console.WriteLine($"\ntiles of {height} x {width} px ({why}): {seconds:0.0} s, loss {found["loss"].item<double>():0.0000000000}\n");
    Compare($"{height} x {width}", found);
}

clock.Restart();
var maps = FeatureMaps();
Console.WriteLine($"\ngradients of the feature maps, tiles of 512 x 512 px in each: {clock.Elapsed.TotalSeconds:0.0} s\n");
Compare("512 x 512, maps", maps);

Directory.CreateDirectory(folder);
File.WriteAllText(Path.Combine(folder, "comparison.csv"), Table());
Draw(Path.Combine(folder, "comparison.png"));
var worst = rows.MaxBy(row => row.Relative)!;
var passes = worst.Relative <= Tolerance;
Console.WriteLine($"\nlargest relative difference {worst.Relative:0.0e+0} ({worst.Quantity}, tiles of {worst.Tile}); table and plot in {folder}");
Console.WriteLine(passes ? "PASS" : $"FAIL: more than {Tolerance:0e+0}");
return passes ? 0 : 1;

(T Result, double Seconds) Timed<T>(Func<T> work)
{
    clock.Restart();
    var result = work();
    return (result, clock.Elapsed.TotalSeconds);
}

// Conventional backpropagation; the maps behind the convolutions keep their gradients.
Dictionary<string, Tensor> Whole()
{
    using var scope = NewDisposeScope();
    var input = image.clone().requires_grad_();
    var (map, convolution) = (input, 0);
    var kept = new Dictionary<string, Tensor>();
    foreach (var layer in layers)
    {
        map = layer switch { Conv2d one => one.forward(map), ReLU one => one.forward(map), MaxPool2d one => one.forward(map), _ => throw new UnreachableException() };
        if (layer is Conv2d)
        {
            map.retain_grad();
            kept[$"map {++convolution}, gradient"] = map;
        }
    }

    var found = Backpropagate(input, map);
    foreach (var (name, one) in kept)
        found[name] = one.grad!;
    return Keep(found);
}

Dictionary<string, Tensor> Streamed(int height, int width)
{
    using var scope = NewDisposeScope();
    using var streaming = new StreamingModule(trunk, new StreamingOptions { Tile = (height, width) });
    var input = image.clone().requires_grad_();
    return Keep(Backpropagate(input, streaming.forward(input)));
}

// Within a streamed trunk no map exists as a whole. To see the gradients of the maps between layers, the trunk is cut behind every convolution, and every piece is streamed.
Dictionary<string, Tensor> FeatureMaps()
{
    using var scope = NewDisposeScope();
    var ends = layers.Index().Where(layer => layer.Item is Conv2d).Select(layer => layer.Index + 1).Append(layers.Length).ToArray();
    var (map, from) = (image.clone().requires_grad_(), 0);
    var (input, pieces, kept) = (map, new List<StreamingModule>(), new Dictionary<string, Tensor>());
    foreach (var (number, end) in ends.Index())
    {
        pieces.Add(new StreamingModule(Sequential(layers[from..end].Cast<Module<Tensor, Tensor>>()), new StreamingOptions { Tile = (512, 512) }));
        map = pieces[^1].forward(map);
        from = end;
        if (end < layers.Length)
        {
            map.retain_grad();
            kept[$"map {number + 1}, gradient"] = map;
        }
    }

    Backpropagate(input, map);
    return Keep(kept.ToDictionary(entry => entry.Key, entry => entry.Value.grad!));
}

// The original asks for a probability of 50: a nonsense that makes for large gradients. Torch refuses such a target by now, except where the sigmoid is part of the loss.
Dictionary<string, Tensor> Backpropagate(Tensor input, Tensor output)
{
    trunk.zero_grad();
    var loss = functional.binary_cross_entropy_with_logits(output.mean(), tensor(50.0));
    loss.backward();
    var found = new Dictionary<string, Tensor> { ["output"] = output.detach(), ["loss"] = loss.detach(), ["image, gradient"] = input.grad! };
    foreach (var (number, convolution) in layers.OfType<Conv2d>().Index())
    {
        found[$"kernel {number + 1}, gradient"] = convolution.weight.grad!.clone();
        found[$"bias {number + 1}, gradient"] = convolution.bias!.grad!.clone();
    }

    return found;
}

static Dictionary<string, Tensor> Keep(Dictionary<string, Tensor> tensors) => tensors.ToDictionary(entry => entry.Key, entry => entry.Value.DetachFromDisposeScope());

void Compare(string tile, Dictionary<string, Tensor> streamed)
{
    Console.WriteLine($"{"",-20}{"shape",-22}{"largest value",14}{"difference",14}{"relative",12}");
    foreach (var (quantity, actual) in streamed)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        var expected = whole[quantity];
        if (!actual.shape.SequenceEqual(expected.shape))
            throw new InvalidOperationException($"{quantity} has the shape [{string.Join(", ", actual.shape)}] instead of [{string.Join(", ", expected.shape)}].");
        var row = new Row(tile, quantity, string.Join(" x ", actual.shape), expected.abs().max().item<double>(), (actual - expected).abs().max().item<double>());
        rows.Add(row);
        Console.WriteLine($"{row.Quantity,-20}{row.Shape,-22}{row.Largest,14:0.000e+0}{row.Difference,14:0.0e+0}{row.Relative,12:0.0e+0}");
    }

    foreach (var one in streamed.Values)
        one.Dispose();
}

string Table()
{
    var text = new StringBuilder("tile,quantity,shape,largest value,largest difference,relative difference\n");
    foreach (var row in rows)
        text.Append(CultureInfo.InvariantCulture, $"\"{row.Tile}\",\"{row.Quantity}\",{row.Shape},{row.Largest:R},{row.Difference:R},{row.Relative:R}\n");
    return text.ToString();
}

void Draw(string path)
{
    // What does not differ at all is drawn at the left edge.
    const double None = -18;
    using var plot = new Plot();
    var quantities = whole.Keys.Reverse().ToList();
    string[] colours = ["#0072B2", "#D55E00", "#009E73", "#CC79A7"];
    MarkerShape[] shapes = [MarkerShape.FilledCircle, MarkerShape.OpenSquare, MarkerShape.FilledTriangleUp, MarkerShape.OpenCircle];
    foreach (var (i, group) in rows.GroupBy(row => row.Tile).Index())
    {
        var dots = plot.Add.ScatterPoints(
            group.Select(row => row.Relative == 0 ? None : Math.Log10(row.Relative)).ToArray(), group.Select(row => (double)quantities.IndexOf(row.Quantity)).ToArray(), ScottPlot.Color.FromHex(colours[i % 4]));
        (dots.LegendText, dots.MarkerShape, dots.MarkerSize) = ($"tiles of {group.Key}", shapes[i % 4], 9);
    }

    var limit = plot.Add.VerticalLine(Math.Log10(Tolerance), 1, ScottPlot.Color.FromHex("#8c959f"), LinePattern.Dashed);
    limit.LegendText = "what passes";
    double[] powers = [-18, -16, -14, -12, -10];
    plot.Axes.Left.TickGenerator = new NumericManual([.. quantities.Select((_, i) => (double)i)], [.. quantities]);
    plot.Axes.Bottom.TickGenerator = new NumericManual(powers, [.. powers.Select(power => power == None ? "0" : $"1e{power}")]);
    plot.Axes.SetLimits(-18.4, -9.6, -0.8, quantities.Count - 0.2);
    plot.XLabel("largest difference to the whole image's, over the largest value");
    plot.ShowLegend(Alignment.UpperRight);
    plot.SavePng(path, 900, 620);
}

internal sealed record Row(string Tile, string Quantity, string Shape, double Largest, double Difference)
{
    public double Relative => Largest == 0 ? Difference : Difference / Largest;
}
