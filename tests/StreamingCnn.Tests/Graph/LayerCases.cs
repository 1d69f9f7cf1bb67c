using System.Runtime.InteropServices;
using CsCheck;
using StreamingCnn.Geometry;
using StreamingCnn.Graph;
using StreamingCnn.Models;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Graph;

/// <summary>Random layers that change positions, as TorchSharp has them, with an image size that they can be applied to.</summary>
internal static class LayerCases
{
    private static readonly Gen<PaddingModes> Mode = Gen.OneOf(
        Gen.Const(PaddingModes.Zeros), Gen.Const(PaddingModes.Reflect), Gen.Const(PaddingModes.Replicate));

    private static readonly Gen<(long, long)> Side = Pair(1, 36);

    private static readonly Gen<LayerCase> Convolution = Gen.Select(
        Gen.Select(Pair(1, 7), Pair(1, 4), Pair(1, 3), Pair(0, 4)), Mode, Gen.Bool,
        (s, mode, bias) => Describe(
            $"Conv2d kernel {s.Item1} stride {s.Item2} dilation {s.Item3} padding {s.Item4} {mode} bias {bias}", 1,
            () => Conv2d(1, 2, s.Item1, s.Item2, s.Item4, s.Item3, padding_mode: mode, bias: bias),
            Dense(s.Item1, s.Item2, s.Item3)));

    private static readonly Gen<LayerCase> SameConvolution = Gen.Select(
        Pair(1, 6), Pair(1, 3), Mode,
        (kernel, dilation, mode) => Describe(
            $"Conv2d kernel {kernel} dilation {dilation} padding same {mode}", 1,
            () => Conv2d(1, 1, kernel, padding: TorchSharp.Padding.Same, dilation: dilation, padding_mode: mode),
            Dense(kernel, (1, 1), dilation)));

    private static readonly Gen<LayerCase> Transposed = Gen.Select(
        Pair(1, 5), Pair(1, 4), Pair(1, 3), Pair(0, 3), Gen.Long[0, 3],
        (kernel, stride, dilation, padding, output) => Describe(
            $"ConvTranspose2d kernel {kernel} stride {stride} dilation {dilation} padding {padding} output padding {output}", 1,
            () => ConvTranspose2d(1, 2, kernel, stride, padding, (output, output), dilation: dilation),
            (dilation.Item1 == 1, dilation.Item2 == 1)));

    private static readonly Gen<LayerCase> MaxPooling = Gen.Select(
        Gen.Select(Pair(1, 5), Pair(1, 4), Pair(0, 2), Pair(1, 3)), Gen.Bool,
        (s, ceiling) => Describe(
            $"MaxPool2d kernel {s.Item1} stride {s.Item2} padding {s.Item3} dilation {s.Item4} ceiling {ceiling}", 1,
            () => MaxPool2d(Both(s.Item1), Both(s.Item2), Both(s.Item3), Both(s.Item4), ceiling),
            Dense(s.Item1, s.Item2, s.Item4)));

    private static readonly Gen<LayerCase> AveragePooling = Gen.Select(
        Pair(1, 5), Pair(1, 4), Pair(0, 2), Gen.Bool, Gen.Bool,
        (kernel, stride, padding, ceiling, counted) => Describe(
            $"AvgPool2d kernel {kernel} stride {stride} padding {padding} ceiling {ceiling} padding counted {counted}", 1,
            () => AvgPool2d(kernel, stride, padding, ceiling, counted),
            Dense(kernel, stride, (1, 1))));

    private static readonly Gen<LayerCase> Upsampling = Gen.Select(
        Gen.Enum<UpsampleMode>().Where(mode => mode is UpsampleMode.Nearest or UpsampleMode.Bilinear or UpsampleMode.Bicubic),
        Gen.Bool, Gen.Bool, Pair(1, 5), Pair(1, 60),
        (mode, aligned, scaled, factor, size) => Describe(
            $"Upsample {mode}{(aligned ? ", corners aligned," : "")} {(scaled ? $"by {factor}" : $"to {size}")}", 1,
            () => Upsample(
                scaled ? null : Both(size),
                scaled ? [factor.Item1, factor.Item2] : null,
                mode,
                mode == UpsampleMode.Nearest ? null : aligned),
            (mode == UpsampleMode.Nearest, mode == UpsampleMode.Nearest)));

    private static readonly Gen<LayerCase> Attention = Gen.Select(
        Gen.Bool, Gen.Long[1, 2], Gen.Long[1, 2], Gen.Long[1, 5], Gen.Long[0, 4],
        (isInWindows, heads, depth, window, shift) => isInWindows
            ? Describe(
                $"WindowAttention of {heads} heads of {depth} in windows of {window} shifted by {shift % window}", heads * depth,
                () => new WindowAttention(heads * depth, heads, window, shift % window))
            : Describe(
                $"NeighbourhoodAttention of {heads} heads of {depth} with {(window / 2 * 2) + 1} neighbours", heads * depth,
                () => new NeighbourhoodAttention(heads * depth, heads, (window / 2 * 2) + 1)));

    private static readonly Gen<LayerCase> Blurring = Gen.Select(
        Gen.Int[1, 6], Gen.Int[1, 4],
        (size, stride) => Describe(
            $"BlurPool of {size} stride {stride}", 1, () => new BlurPool(size, stride), Dense((size, size), (stride, stride), (1, 1))));

    private static readonly Gen<LayerCase> Stacking = Gen.Const(Describe("StackedPatches", 2, () => new StackedPatches()));

    private static readonly Gen<LayerCase> Shuffling = Gen.Select(
        Gen.Long[1, 4], Gen.Bool,
        (factor, shuffle) => shuffle
            ? Describe($"PixelShuffle by {factor}", factor * factor, () => PixelShuffle(factor))
            : Describe($"PixelUnshuffle by {factor}", 1, () => PixelUnshuffle(factor)));

    private static readonly Gen<LayerCase> Padding = Gen.Select(
        Gen.Int[0, 2], Pair(-3, 5), Pair(-3, 5),
        (kind, columns, rows) => Describe(
            $"{kind switch { 0 => "ZeroPad2d", 1 => "ReflectionPad2d", _ => "ReplicationPad2d" }} columns {columns} rows {rows}", 1,
            () => kind switch
            {
                0 => ZeroPad2d((columns.Item1, columns.Item2, rows.Item1, rows.Item2)),
                1 => ReflectionPad2d((columns.Item1, columns.Item2, rows.Item1, rows.Item2)),
                _ => ReplicationPad2d((columns.Item1, columns.Item2, rows.Item1, rows.Item2)),
            }));

    /// <summary>Any of them, on an image that it accepts.</summary>
    public static Gen<LayerCase> Any { get; } = Gen
        .Select(
            Gen.OneOf(
                Convolution, SameConvolution, Transposed, MaxPooling, AveragePooling, Upsampling, Shuffling, Padding, Attention, Blurring,
                Stacking),
            Side,
            (layer, side) => layer with { Height = side.Item1, Width = side.Item2 })
        .Where(c => c.IsAccepted());

    private static Gen<(long, long)> Pair(long least, long most) =>
        Gen.Select(Gen.Long[least, most], Gen.Long[least, most], (rows, columns) => (rows, columns));

    private static long[] Both((long Rows, long Columns) pair) => [pair.Rows, pair.Columns];

    /// <summary>Whether every position between the first and the last that outputs read is read.</summary>
    private static (bool, bool) Dense((long, long) kernel, (long, long) stride, (long, long) dilation) =>
        (dilation.Item1 == 1 && stride.Item1 <= kernel.Item1, dilation.Item2 == 1 && stride.Item2 <= kernel.Item2);

    private static LayerCase Describe(
        string name, long channels, Func<Module<Tensor, Tensor>> create, (bool Rows, bool Columns)? isTight = null) =>
        new(name, channels, create, isTight ?? (true, true), 0, 0);
}

/// <summary>A layer by its settings, and the size of an image.</summary>
/// <param name="Name">Kind and settings, for failures to name.</param>
/// <param name="Channels">Channels that it takes.</param>
/// <param name="Create">Makes the layer.</param>
/// <param name="IsTight">For each axis, whether spans hold what is read and not a position more.</param>
/// <param name="Height">Height of the image.</param>
/// <param name="Width">Width of the image.</param>
internal sealed record LayerCase(
    string Name, long Channels, Func<Module<Tensor, Tensor>> Create, (bool Rows, bool Columns) IsTight, long Height, long Width)
{
    public override string ToString() => $"{Name} on {Height} x {Width}";

    /// <summary>Whether PyTorch makes such a layer, and the engine applies it to the image.</summary>
    public bool IsAccepted()
    {
        try
        {
            using var module = Create();
            var (layer, _, _) = LayerRegistry.Describe(module);
            return layer is { Refusal: null }
                && layer.Along(Axis.Rows, Height).OutputLength <= 200
                && layer.Along(Axis.Columns, Width).OutputLength <= 200;
        }
        catch (Exception refused) when (refused is GeometryException or ExternalException or ArgumentException)
        {
            return false;
        }
    }
}
