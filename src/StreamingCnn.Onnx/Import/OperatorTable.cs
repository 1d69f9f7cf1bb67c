using StreamingCnn.Interop;
using StreamingCnn.Models;
using StreamingCnn.Onnx.Import.Fusion;
using StreamingCnn.Onnx.Import.Operators;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Onnx.Import;

/// <summary>All operators that can be imported, by their names.</summary>
internal static class OperatorTable
{
    /// <summary>
    /// The oldest version of the operators that is read; before it sums and products laid their operands out differently.
    /// </summary>
    public const long Oldest = 7;

    /// <summary>The newest version that is known.</summary>
    public const long Newest = 26;

    private static readonly Dictionary<string, Func<NodeContext, IReadOnlyList<OnnxValue>>> Operators = new(StringComparer.Ordinal);

    static OperatorTable()
    {
        foreach (var operation in BinaryOperation.All)
            Add(operation.Operator, node => Arithmetic.Binary(node, operation));
        AddModules();
        AddFunctions();
        AddLayers();
        AddShapes();
    }

    /// <summary>The operator; null where it is not known.</summary>
    public static Func<NodeContext, IReadOnlyList<OnnxValue>>? Find(string name) => Operators.GetValueOrDefault(name);

    private static void AddModules()
    {
        Activation("Relu", _ => ReLU());
        Activation("LeakyRelu", node => LeakyReLU(node.Real("alpha", 0.01f)));
        Activation("Elu", node => ELU(node.Real("alpha", 1)));
        Activation("Celu", node => CELU(node.Real("alpha", 1)));
        Activation("Sigmoid", _ => Sigmoid());
        Activation("Tanh", _ => Tanh());
        Activation("Softplus", _ => Softplus());
        Activation("Softsign", _ => Softsign());
        Activation("HardSwish", _ => Hardswish());
        Activation("Mish", _ => Mish());
        Add("Clip", PointFunctions.Clip);
        Add("HardSigmoid", PointFunctions.HardSigmoid);
        Add("PRelu", PointFunctions.PRelu);
        Add("Gelu", PointFunctions.Gelu);
        Add("Softmax", node => PointFunctions.Softmax(node, isLog: false));
        Add("LogSoftmax", node => PointFunctions.Softmax(node, isLog: true));
    }

    private static void AddFunctions()
    {
        Function("Selu", x => functional.selu(x), kept: 1);
        Function("Neg", x => x.neg());
        Function("Abs", x => x.abs());
        Function("Sqrt", x => x.sqrt());
        Function("Exp", x => x.exp());
        Function("Log", x => x.log());
        Function("Erf", x => x.erf(), kept: 1);
        Function("Reciprocal", x => x.reciprocal());
        Function("Sin", x => x.sin());
        Function("Cos", x => x.cos());
        Add("Swish", node => node.Real("alpha", 1) is var alpha and not 1
            ? PointFunctions.Function(node, x => x * x.Times(alpha).sigmoid(), kept: 2)
            : PointFunctions.Of(node, _ => SiLU()));
        Add("Shrink", PointFunctions.Shrink);
        Add("ThresholdedRelu", node => PointFunctions.Of(node, _ => Threshold(node.Real("alpha", 1), 0)));
    }

    private static void AddLayers()
    {
        Add("Conv", Convolutions.Convolution);
        Add(WeightPatterns.StandardisedConvolution, Convolutions.Standardised);
        Add("ConvTranspose", Convolutions.Transposed);
        Add("BatchNormalization", Norms.Batch);
        Add("InstanceNormalization", Norms.Instance);
        Add("GroupNormalization", Norms.Group);
        Add("LayerNormalization", Norms.Layer);
        Add(NormPatterns.GlobalResponseNorm, Norms.Response);
        Add("MaxPool", Pooling.Max);
        Add("AveragePool", Pooling.Average);
        Add(PoolingPatterns.AttentionPooling, Pooling.Attention);
        Add(ThinningPatterns.BinomialFilter, Pooling.Blur);
        Add(ThinningPatterns.PatchesAsChannels, node => node.Builder.Through(node.Map(0), new StackedPatches(), node.Name));
        Add(AttentionPatterns.InWindows, Attention.InWindows);
        Add(AttentionPatterns.ToNeighbours, Attention.ToNeighbours);
        Operators.Add("TopK", Pooling.Largest);
        Add("GlobalAveragePool", node => Pooling.Global(node, isMax: false));
        Add("GlobalMaxPool", node => Pooling.Global(node, isMax: true));
        foreach (var kind in (string[])["Mean", "Sum", "Max", "Min", "L1", "L2", "SumSquare"])
            Add("Reduce" + kind, AxisReductions.Of);
        Add("Gemm", LinearLayers.Gemm);
        Add("MatMul", LinearLayers.Product);
        Add("Resize", Resizing.Resize);
        Add("Upsample", Resizing.Resize);
        Add("DepthToSpace", Resizing.DepthToSpace);
        Add("SpaceToDepth", Resizing.SpaceToDepth);
        Add("Dropout", node => node.Input(0) is MapValue or SmallValue
            ? node.Builder.Through(node.Input(0), Dropout(node.OptionalConstant(1)?.Numbers()[0] ?? node.Real("ratio", 0.5)), node.Name)
            : node.Input(0));

    }

    private static void AddShapes()
    {
        Add("Constant", Constants.Constant);
        Add("Identity", Constants.Identity);
        Add("Cast", Constants.Cast);
        Add("ConstantOfShape", Constants.OfShape);
        Add("Shape", Shapes.Shape);
        Add("Gather", Shapes.Gather);
        Add("Reshape", Rearranging.Reshape);
        Add("Flatten", Rearranging.Flatten);
        Add("Transpose", Rearranging.Transpose);
        Add("Unsqueeze", Rearranging.Unsqueeze);
        Add("Squeeze", Rearranging.Squeeze);
        Add("Concat", Joining.Concat);
        Add("Slice", Joining.Slice);
        Add("Pad", Joining.Pad);
        Operators.Add("Split", Joining.Split);
        foreach (var rounding in (string[])["Floor", "Ceil"])
        {
            Add(rounding, node => node.Input(0) as ShapeValue as OnnxValue
                ?? (node.Input(0) is ConstantValue constant
                    ? Constants.Applied(node, x => rounding == "Floor" ? x.floor() : x.ceil(), constant)
                    : throw new RefusedNodeException("rounds a map, which has no gradient")));
        }
    }

    private static void Add(string name, Func<NodeContext, OnnxValue> import) => Operators.Add(name, node => [import(node)]);

    private static void Activation(string name, Func<NodeContext, Module<Tensor, Tensor>> make) =>
        Add(name, node => PointFunctions.Of(node, make));

    private static void Function(string name, Func<Tensor, Tensor> function, int kept = 0) =>
        Add(name, node => PointFunctions.Function(node, function, kept));
}
