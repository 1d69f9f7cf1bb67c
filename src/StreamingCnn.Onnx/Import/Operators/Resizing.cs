using StreamingCnn.Geometry;
using StreamingCnn.Interop;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Onnx.Import.Operators;

/// <summary>Layers that change a map's size by a factor.</summary>
internal static class Resizing
{
    /// <summary>Resize, and Upsample of versions before 10.</summary>
    public static OnnxValue Resize(NodeContext node)
    {
        var isOld = node.Node.Operator == "Upsample" || node.Opset < 11;
        var target = Target(node, isOld);
        if (node.Input(0) is SmallValue { Shape: [-1, var channels, 1, 1] } small)
        {
            // One position is the same everywhere.
            var filled = target is { Sizes: { } sides } ? node.Builder.Sized(sides.Height, sides.Width) : null;
            return filled is null
                ? throw new RefusedNodeException("spreads a small tensor over a size that is no map's")
                : node.Builder.Map(
                    MapValue.Plain(filled.Slot, channels, filled.Size),
                    channels,
                    values => ((FeatureMap)values[0]).Filled((GlobalTensor)values[1], channels),
                    small);
        }

        var map = node.Map(0);
        if (target.Scales is { } scales)
            return Scaled(node, map, scales, isOld);
        var (height, width) = target.Sizes!.Value;
        if (node.Builder.Sized(height, width) is not { } other)
            return Scaled(node, map, (Factor(height, map.Size, isRows: true), Factor(width, map.Size, isRows: false)), isOld);
        if (other.Size == map.Size)
            return map;
        if (AnySize(node, isOld) is var (mode, alignCorners))
        {
            return node.Builder.Map(
                map with { Size = other.Size },
                map.Channels,
                values => ((FeatureMap)values[0]).ResizedTo((FeatureMap)values[1], mode, alignCorners),
                other);
        }

        // How it is resized is known for whole factors alone: the size of another map is one where its sides are multiples of this one's.
        // Where an image is such that they are not, the two cannot be joined, and that is said.
        (double Rows, double Columns) factors =
            (map.Size.Scale.Rows / other.Size.Scale.Rows, map.Size.Scale.Columns / other.Size.Scale.Columns);
        if (!IsFactor(factors.Rows) || !IsFactor(factors.Columns))
            throw new RefusedNodeException("resizes to the size of a map that is no whole multiple of its own");
        var resized = (MapValue)Scaled(node, map, factors, isOld);
        return node.Builder.Map(
            resized with { Size = other.Size },
            resized.Channels,
            values => ((FeatureMap)values[0]).AtEachPosition(
                "Resized to another map's size", (maps, _) => maps[0].alias(), [((FeatureMap)values[1]).Slice(0, 1)]),
            other);
    }

    /// <summary>How a map is resized, where that is known for any size; null where it is not.</summary>
    private static (UpsampleMode Mode, bool AlignCorners)? AnySize(NodeContext node, bool isOld)
    {
        var coordinates = node.Text("coordinate_transformation_mode", isOld ? "asymmetric" : "half_pixel");
        var rounding = node.Text("nearest_mode", isOld ? "floor" : "round_prefer_floor");
        // The antialiasing of later versions takes more inputs where maps become smaller.
        if (node.Integer("antialias", 0) != 0)
            return null;
        return (node.Text("mode", "nearest"), coordinates) switch
        {
            ("nearest", "asymmetric") when rounding == "floor" => (UpsampleMode.Nearest, false),
            ("linear", "half_pixel" or "pytorch_half_pixel" or "half_pixel_symmetric") => (UpsampleMode.Bilinear, false),
            ("linear", "align_corners") => (UpsampleMode.Bilinear, true),
            ("cubic", "half_pixel" or "pytorch_half_pixel" or "half_pixel_symmetric") when IsCubicOfPyTorch(node) =>
                (UpsampleMode.Bicubic, false),
            ("cubic", "align_corners") when IsCubicOfPyTorch(node) => (UpsampleMode.Bicubic, true),
            _ => null,
        };
    }

    private static bool IsCubicOfPyTorch(NodeContext node) =>
        node.Real("cubic_coeff_a", -0.75) == -0.75 && node.Integer("exclude_outside", 0) == 0;

    private static OnnxValue Scaled(NodeContext node, MapValue map, (double Rows, double Columns) factors, bool isOld)
    {
        var mode = node.Text("mode", "nearest");
        var coordinates = node.Text("coordinate_transformation_mode", isOld ? "asymmetric" : "half_pixel");
        var rounding = node.Text("nearest_mode", isOld ? "floor" : "round_prefer_floor");
        var (rows, columns) = factors;
        if (rows == 1 && columns == 1)
            return map;
        return (mode, coordinates, rounding) switch
        {
            // For whole factors these are the same.
            ("nearest", "asymmetric", "floor") or (
                "nearest", "half_pixel" or "pytorch_half_pixel" or "half_pixel_symmetric", not ("floor" or "ceil")) =>
                Through(Upsample(scale_factor: [rows, columns], mode: UpsampleMode.Nearest)),
            ("linear", "half_pixel" or "pytorch_half_pixel" or "half_pixel_symmetric", _) =>
                Through(Upsample(scale_factor: [rows, columns], mode: UpsampleMode.Bilinear, align_corners: false)),
            ("linear", "align_corners", _) =>
                Through(Upsample(scale_factor: [rows, columns], mode: UpsampleMode.Bilinear, align_corners: true)),
            ("cubic", _, _) when AnySize(node, isOld) is var (cubic, alignCorners) =>
                Through(Upsample(scale_factor: [rows, columns], mode: cubic, align_corners: alignCorners)),
            _ => throw new RefusedNodeException(
                $"resizes by '{mode}' with '{coordinates}' and '{rounding}', which is not supported; use nearest, linear or cubic as PyTorch has them"),
        };

        OnnxValue Through(Module<Tensor, Tensor> module) => node.Builder.Through(map, module, node.Name);
    }

    /// <summary>DepthToSpace.</summary>
    public static OnnxValue DepthToSpace(NodeContext node)
    {
        var (map, side) = (node.Map(0), node.Integer("blocksize", 1));
        if (side < 1 || map.Channels % (side * side) != 0)
            throw new RefusedNodeException($"makes blocks of {side} x {side} of {map.Channels} channels");
        if (node.Text("mode", "DCR") == "DCR")
            map = Layout.Permuted(map, Blocks(map.Channels / (side * side), side, isInverse: false), node.Builder);
        return node.Builder.Through(map, PixelShuffle(side), node.Name);
    }

    /// <summary>SpaceToDepth.</summary>
    public static OnnxValue SpaceToDepth(NodeContext node)
    {
        var (map, side) = (node.Map(0), node.Integer("blocksize", 1));
        if (side < 1)
            throw new RefusedNodeException($"takes blocks of {side} x {side}");
        var channels = map.Channels;
        var deep = (MapValue)node.Builder.Through(map, PixelUnshuffle(side), node.Name);
        return Layout.Permuted(deep, Blocks(channels, side, isInverse: true), node.Builder);
    }

    /// <summary>
    /// PyTorch has a channel's positions one behind the other, ONNX a position's channels: of each channel of the one, which it is of
    /// the other.
    /// </summary>
    private static long[] Blocks(long channels, long side, bool isInverse)
    {
        using var scope = NewDisposeScope();
        var order = KeptScalars.Range(0, channels * side * side, ScalarType.Int64, CPU);
        return (isInverse ? order.reshape(channels, side * side) : order.reshape(side * side, channels)).t().reshape(-1).data<long>()
            .ToArray();
    }

    private static ((double Rows, double Columns)? Scales, (Number Height, Number Width)? Sizes) Target(NodeContext node, bool isOld)
    {
        var scales = isOld
            ? node.Node.Attributes.GetValueOrDefault("scales")?.Singles?.Select(one => (double)one).ToArray()
                ?? node.OptionalConstant(1)?.Numbers()
            : node.Optional(2) is ConstantValue given && given.Tensor.Count > 0 ? given.Numbers() : null;
        if (scales is not null)
        {
            return scales is [1, 1, var rows, var columns] && IsFactor(rows) && IsFactor(columns)
                ? ((rows, columns), null)
                : throw new RefusedNodeException(
                    $"resizes by [{string.Join(", ", scales)}]; whole factors for rows and columns are supported");
        }

        if (node.Integers("axes") is not null)
            throw new RefusedNodeException("resizes some axes only; give sizes for all four");
        return node.Optional(3) switch
        {
            ShapeValue { Numbers: [_, _, var height, var width] } => (null, (height, width)),
            ConstantValue constant when constant.Integers() is [_, _, var height, var width] => (null, (height, width)),
            _ => throw new RefusedNodeException("has neither factors nor four sizes that are known"),
        };
    }

    private static double Factor(Number wanted, MapSize size, bool isRows)
    {
        var own = new Atom(isRows ? AtomKind.Rows : AtomKind.Columns).Extent(size);
        if (wanted.Sides == own.Sides && wanted.Factor > 0)
            return wanted.Factor;
        // A size that stands in the file is a factor of the one that the map has there.
        return wanted.IsKnown && own.InFile is { } inFile && wanted.Factor % inFile == 0 && wanted.Factor > 0
            ? wanted.Factor / inFile
            : throw new RefusedNodeException($"resizes to the size {wanted}, which is no whole multiple of the map's for every image");
    }

    private static bool IsFactor(double factor) => factor >= 1 && factor == Math.Floor(factor) && factor < 4096;
}
