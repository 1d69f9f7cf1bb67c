using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Exactness;

/// <summary>
/// Modules that the engine cannot see into and that windows cannot be cut for: each is refused, by name and with a reason.
/// </summary>
public class OpaqueRefusalTests
{
    private const string OtherValues = "gives other values on a window than on the whole image";
    private const string NotLocal = "is not local: its outputs read more than";

    private static readonly Conv2d Blur = Conv2d(3, 3, 3, padding: 1, dtype: ScalarType.Float64);

    private static readonly Dictionary<string, Func<Tensor, Tensor>> Modules = new()
    {
        ["mean beyond a threshold"] = x => x * 2 + (x.mean().item<double>() > 0.5 ? 1 : 0),
        ["largest beyond a threshold"] = x => x + (x.max() - 50).relu() * 1e-3,
        ["share of positive values"] = x => where(x.gt(0).to(x.dtype).mean().gt(0.8), x, -x),
        ["smallest value"] = x => x.abs() + x.min().lt(-5).to(x.dtype),
        ["one channel's sum"] = x => x + x[.., 1].sum().gt(1e5).to(x.dtype),
        ["difference of channels"] = x => x + (x[.., 0].mean() - x[.., 2].mean()).gt(3).to(x.dtype) * 0.1,
        ["tiny mean"] = x => Blur.forward(x) + (x.mean() * 1e-7),
        ["zero mean"] = x => x + (x.mean() * 0),
        ["standard deviation"] = x => x / x.std(),
        ["largest"] = x => x / x.amax([2, 3], keepdim: true),
        ["softmax over positions"] = x => x.flatten(2).softmax(-1).reshape(x.shape),
        ["sorted rows"] = x => x.sort(3).Values,
        ["rolled"] = x => x.roll(5, 2),
        ["flipped"] = x => x.flip(3),
        ["turned"] = x => x.transpose(2, 3).contiguous(),
        ["circular"] = x => functional.conv2d(functional.pad(x, [1, 1, 1, 1], PaddingModes.Circular), Blur.weight),
        ["first pixel"] = x => x - x[.., .., 0..1, 0..1],
        ["running sum"] = x => x.cumsum(2),
        ["deinterlaced"] = x => cat([Every(x, 0), Every(x, 1)], 2),
        ["a wide blur before a resize with aligned corners"] = x =>
            functional.interpolate(
                functional.avg_pool2d(x, 31, 1, 15),
                size: [x.shape[2] / 2, x.shape[3] / 2],
                mode: InterpolationMode.Bilinear,
                align_corners: true),
        ["enlarged with aligned corners"] = x =>
            functional.interpolate(x, scale_factor: [2, 2], mode: InterpolationMode.Bilinear, align_corners: true),
        ["half and back with aligned corners"] = x => functional.interpolate(
            functional.max_pool2d(x, 2), size: x.shape[2..], mode: InterpolationMode.Bilinear, align_corners: true),
        ["row numbers"] = x => x + (arange(x.shape[2], dtype: x.dtype).reshape(-1, 1) * 1e-3),
        ["relative columns"] = x => x + linspace(0, 1, x.shape[3], dtype: x.dtype),
        ["waves of positions"] = x => x + (arange(x.shape[2], dtype: x.dtype).reshape(-1, 1) * 0.7).sin(),
        ["size"] = x => x * x.shape[2],
        ["large images"] = x => x.shape[2] > 230 ? -x : x,
        ["pooled to a fixed size"] = x => functional.interpolate(functional.adaptive_avg_pool2d(x, [7, 7]), size: x.shape[2..]),
        ["squeezed and excited"] = x => x * Blur.forward(x.mean([2, 3], keepdim: true)).sigmoid(),
        ["checkered by the row's number"] = x => where(arange(x.shape[2]).reshape(-1, 1).remainder(17).eq(3), -x, x),
        ["a bias that holds a gate shut"] = x => Blur.forward(x) + ((x.mean() - 500).relu() * 0.01),
        ["a gate that opens on darkness"] = x => Blur.forward(x) + ((-x.mean() - 40).relu() * 0.01),
        ["count of bright pixels"] = x => x * (1 + x.gt(200).sum().gt(2000).to(x.dtype)),
        ["darkest of the column"] = x => x - x.amin([2], keepdim: true),
        ["the middle of the image"] = x => x + x.narrow(2, x.shape[2] / 2, 1),
        ["of even height"] = x => x + x[.., .., ^1..] * (x.shape[2] % 2 == 0 ? 1 : 0),
        ["normalised maps"] = x => functional.instance_norm(x),
        ["random"] = x => x + randn_like(x),
        ["functional dropout"] = x => functional.dropout(x, 0.3, training: true),
    };

    [Theory]
    [InlineData("mean beyond a threshold", NotLocal)]
    [InlineData("largest beyond a threshold", NotLocal)]
    [InlineData("share of positive values", OtherValues)]
    [InlineData("smallest value", NotLocal)]
    [InlineData("one channel's sum", NotLocal)]
    [InlineData("difference of channels", "")]
    [InlineData("tiny mean", NotLocal)]
    [InlineData("zero mean", NotLocal)]
    [InlineData("standard deviation", NotLocal)]
    [InlineData("largest", NotLocal)]
    [InlineData("softmax over positions", NotLocal)]
    [InlineData("sorted rows", NotLocal)]
    [InlineData("rolled", NotLocal)]
    [InlineData("flipped", NotLocal)]
    [InlineData("turned", "")]
    [InlineData("circular", NotLocal)]
    [InlineData("first pixel", NotLocal)]
    [InlineData("running sum", NotLocal)]
    [InlineData("deinterlaced", OtherValues)]
    [InlineData("a wide blur before a resize with aligned corners", "")]
    [InlineData("enlarged with aligned corners", "")]
    [InlineData("half and back with aligned corners", "")]
    [InlineData("row numbers", OtherValues)]
    [InlineData("relative columns", OtherValues)]
    [InlineData("waves of positions", OtherValues)]
    [InlineData("size", OtherValues)]
    [InlineData("large images", OtherValues)]
    [InlineData("pooled to a fixed size", "")]
    [InlineData("squeezed and excited", NotLocal)]
    [InlineData("checkered by the row's number", "")]
    [InlineData("a bias that holds a gate shut", "")]
    [InlineData("a gate that opens on darkness", "")]
    [InlineData("count of bright pixels", "")]
    [InlineData("darkest of the column", NotLocal)]
    [InlineData("the middle of the image", "")]
    [InlineData("of even height", NotLocal)]
    [InlineData("normalised maps", NotLocal)]
    [InlineData("random", "draws random numbers or keeps a state")]
    [InlineData("functional dropout", "draws random numbers or keeps a state")]
    public void What_windows_cannot_give_is_refused(string name, string reason)
    {
        using var scope = NewDisposeScope();
        using var module = new WrittenModule(Modules[name], Conv2d(3, 3, 1));
        var message = Refusal((Module<Tensor, Tensor>)module.to(ScalarType.Float64), randn(1, 3, 250, 200, dtype: ScalarType.Float64));
        Assert.StartsWith("The trunk (WrittenModule) ", message, StringComparison.Ordinal);
        Assert.Contains(reason, message, StringComparison.Ordinal);
        Assert.EndsWith("; it cannot be run on overlapping tiles.", message, StringComparison.Ordinal);
    }

    private static Tensor Every(Tensor map, long first) => map.index_select(2, arange(first, map.shape[2], 2, dtype: ScalarType.Int64));

    private static string Refusal(Module<Tensor, Tensor> module, Tensor image)
    {
        using var streaming = new StreamingModule(module, new() { Tile = (64, 64), Mode = StreamingMode.Overlap });
        return Assert.Throws<UnsupportedLayerException>(() => streaming.forward(image)).Message;
    }
}
