using StreamingCnn.Models;
using StreamingCnn.Testing;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Onnx.Tests.Export;

/// <summary>
/// Networks of the catalogue with their classifiers, of every kind and with every norm. STREAMINGCNN_ONNX, which names a folder for the
/// tests of large files, adds those that take seconds each.
/// </summary>
public sealed class CatalogueExportTests : IDisposable
{
    // Float32 runs of it, ours and others, are 1.5e-5 to 4.5e-5 from float64.
    private const string RoundsALot = "resnet50-ws";

    private static readonly (string Name, NormKind Norm)[] Quick =
    [
        ("resnet18", NormKind.Frozen), ("resnet18", NormKind.Group), ("resnet18", NormKind.Instance), ("resnet18-ws", NormKind.Frozen),
        ("convnextv2-atto", NormKind.Frozen), ("mobilenetv3-small", NormKind.Frozen), ("mobilenetv3-small", NormKind.Group),
        ("regnety-400mf", NormKind.Frozen), ("comparison", NormKind.Frozen), ("imagenette", NormKind.Frozen), ("small", NormKind.Frozen),
        ("sparse", NormKind.Frozen), ("swin-tiny", NormKind.Frozen),
    ];

    private static readonly (string Name, NormKind Norm)[] Slow =
    [
        ("resnet50", NormKind.Frozen),
        ("resnet34-plain", NormKind.Frozen),
        ("resnet50-ws", NormKind.Frozen),
        ("convnext-tiny", NormKind.Frozen),
        ("efficientnet-b0", NormKind.Frozen), ("efficientnet-b0", NormKind.Group), ("efficientnet-b3", NormKind.Instance),
        ("mobilenetv3-large", NormKind.Frozen), ("regnety-800mf", NormKind.Group), ("pathology-2048", NormKind.Frozen),
        ("convnextv2-nano", NormKind.Frozen), ("swin-small", NormKind.Frozen), ("nat-mini", NormKind.Frozen), ("nat-tiny", NormKind.Frozen),
    ];

    // Of each kind of network for dense prediction the smallest.
    private static readonly string[] QuickDense =
    [
        "unet-small", "fpn-resnet18", "fpn-mobilenetv3-large", "deeplabv3-mobilenetv3-large", "lraspp-mobilenetv3-small",
    ];

    private readonly TemporaryFolder folder = new();

    public static TheoryData<string, NormKind> Networks =>
        [.. Quick.Concat(Environment.GetEnvironmentVariable("STREAMINGCNN_ONNX") is null ? [] : Slow)];

    public static TheoryData<string> DenseNetworks =>
        [.. Environment.GetEnvironmentVariable("STREAMINGCNN_ONNX") is null ? QuickDense : ModelCatalog.DenseNames];

    public void Dispose() => folder.Dispose();

    [Theory]
    [MemberData(nameof(Networks))]
    public void A_network_runs_in_ONNX_Runtime_and_comes_back_as_it_was(string name, NormKind norm)
    {
        using var scope = NewDisposeScope();
        random.manual_seed(1);
        using var network = new NetworkClassifier(ModelCatalog.Create(name, norm: norm), 5);
        Exported.Disturb(network);
        var (height, width) = name.StartsWith("pathology", StringComparison.Ordinal) ? (512, 480) : (96, 80);
        using var again = Exported.Check(network, folder, height, width, roundsALot: name == RoundsALot);
        var (layers, parameters) = Exported.Graph(network);
        var (layersAgain, parametersAgain) = Exported.Graph(again);
        Assert.Equal(parameters, parametersAgain);
        Assert.Equal(layers, layersAgain);
    }

    [Theory]
    [MemberData(nameof(DenseNetworks))]
    public void A_network_for_dense_prediction_runs_in_ONNX_Runtime_and_comes_back_as_it_was(string name)
    {
        using var scope = NewDisposeScope();
        random.manual_seed(1);
        using var network = ModelCatalog.CreateDense(name, 3);
        Exported.Disturb(network);
        using var again = Exported.Check(network, folder, 96, 80);
        var (layers, parameters) = Exported.Graph(network);
        var (layersAgain, parametersAgain) = Exported.Graph(again);
        Assert.Equal(parameters, parametersAgain);
        Assert.Equal(layers, layersAgain);
    }
}
