using System.Collections.Concurrent;
using System.Globalization;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Interop;

/// <summary>
/// Operators of libtorch that TorchSharp does not wrap, reached through TorchScript, which finds them on any device. The scripts are
/// made of constants and integers only, since a script that does not compile ends the process.
/// </summary>
internal static class ScriptedOperators
{
    private static readonly ConcurrentDictionary<string, jit.CompilationUnit> Units = new();

    /// <summary>Gradient of ReLU: <paramref name="gradient"/> where <paramref name="output"/> is above 0, else 0.</summary>
    public static Tensor ReluBackward(Tensor gradient, Tensor output) =>
        (Tensor)Unit("def run(g: Tensor, y: Tensor) -> Tensor:\n    return torch.threshold_backward(g, y, 0)\n\n")
            .invoke("run", gradient, output);

    /// <summary>ReLU into memory that is there.</summary>
    public static void ReluInto(Tensor input, Tensor output)
    {
        using var same = (Tensor)Unit("def run(x: Tensor, y: Tensor) -> Tensor:\n    return torch.clamp_min(x, 0, out=y)\n\n")
            .invoke("run", input, output);
    }

    /// <summary>ln(1 + e^(beta x)) / beta; x itself where beta x is above the threshold.</summary>
    public static Tensor Softplus(Tensor input, double beta, double threshold) => (Tensor)Unit(
        $"def run(x: Tensor) -> Tensor:\n    return torch.softplus(x, {Number(beta)}, {Number(threshold)})\n\n").invoke("run", input);

    /// <summary>Gradient of <see cref="Softplus"/>.</summary>
    public static Tensor SoftplusBackward(Tensor gradient, Tensor input, double beta, double threshold) => (Tensor)Unit($"""
        def run(g: Tensor, x: Tensor) -> Tensor:
            return torch.softplus_backward(g, x, {Number(beta)}, {Number(threshold)})


        """).invoke("run", gradient, input);

    /// <summary>Gradient of x tanh(ln(1 + e^x)).</summary>
    public static Tensor MishBackward(Tensor gradient, Tensor input) => (Tensor)Unit(
        "def run(g: Tensor, x: Tensor) -> Tensor:\n    return torch.mish_backward(g, x)\n\n").invoke("run", gradient, input);

    /// <summary>Gradients of a two-dimensional convolution; each is null unless wanted.</summary>
    public static (Tensor? Input, Tensor? Weight, Tensor? Bias) ConvolutionBackward(
        Tensor gradient, Tensor input, Tensor weight, ConvolutionArguments arguments, (bool Input, bool Weight, bool Bias) wanted)
    {
        return Three(wanted, (results, type) => string.Create(CultureInfo.InvariantCulture, $"""
            def run(g: Tensor, x: Tensor, w: Tensor) -> {type}:
                r = torch.convolution_backward(
                    g, x, w, [w.size(0)], {arguments.Stride}, {arguments.Padding}, {arguments.Dilation},
                    {Flag(arguments.IsTransposed)}, [0, 0], {arguments.Groups}, {Flags(wanted)})
                return {results}


            """), gradient, input, weight);
    }

    /// <summary>Layer normalisation over the last dimension.</summary>
    /// <returns>The output, and for each vector its mean and the reciprocal of its deviation.</returns>
    public static (Tensor Output, Tensor Mean, Tensor Scale) LayerNorm(Tensor input, Tensor? weight, Tensor? bias, double eps) =>
        ((Tensor, Tensor, Tensor))Unit(string.Create(CultureInfo.InvariantCulture, $"""
            def run(x: Tensor, w: Tensor, b: Tensor) -> Tuple[Tensor, Tensor, Tensor]:
                return torch.native_layer_norm(x, [x.size(-1)], {Name(weight, "w")}, {Name(bias, "b")}, {eps:R})


            """)).invoke("run", input, weight ?? input, bias ?? input);

    /// <summary>Gradients of layer normalisation over the last dimension; each is null unless wanted.</summary>
    /// <param name="gradient">Gradient of the output.</param>
    /// <param name="input">The input.</param>
    /// <param name="statistics">What <see cref="LayerNorm"/> gave.</param>
    /// <param name="weight">Factors, or null.</param>
    /// <param name="bias">Summands, or null.</param>
    /// <param name="wanted">Which gradients are.</param>
    public static (Tensor? Input, Tensor? Weight, Tensor? Bias) LayerNormBackward(
        Tensor gradient,
        Tensor input,
        (Tensor Mean, Tensor Scale) statistics,
        Tensor? weight,
        Tensor? bias,
        (bool Input, bool Weight, bool Bias) wanted) =>
        Three(wanted, (results, type) => $"""
            def run(g: Tensor, x: Tensor, m: Tensor, s: Tensor, w: Tensor, b: Tensor) -> {type}:
                r = torch.native_layer_norm_backward(g, x, [x.size(-1)], m, s, {Name(weight, "w")}, {Name(bias, "b")}, {Flags(wanted)})
                return {results}


            """, gradient, input, statistics.Mean, statistics.Scale, weight ?? input, bias ?? input);

    /// <summary>Gradient of maximum pooling.</summary>
    /// <param name="gradient">Gradient of the maxima.</param>
    /// <param name="window">What was pooled.</param>
    /// <param name="places">The maxima's places in it.</param>
    /// <param name="arguments">The integers.</param>
    public static Tensor MaxPoolingBackward(
        Tensor gradient, Tensor window, Tensor places, in PoolingArguments arguments) => (Tensor)Unit($"""
        def run(g: Tensor, x: Tensor, i: Tensor) -> Tensor:
            return torch.max_pool2d_with_indices_backward(
                g, x, {arguments.Kernel}, {arguments.Stride}, [0, 0], {arguments.Dilation}, False, i)


        """).invoke("run", gradient, window, places);

    /// <summary>Gradient of the sums of windows.</summary>
    /// <param name="gradient">Gradient of the sums.</param>
    /// <param name="window">What was summed up.</param>
    /// <param name="arguments">The integers.</param>
    public static Tensor SumPoolingBackward(Tensor gradient, Tensor window, in PoolingArguments arguments) => (Tensor)Unit($"""
        def run(g: Tensor, x: Tensor) -> Tensor:
            return torch.avg_pool2d_backward(g, x, {arguments.Kernel}, {arguments.Stride}, [0, 0], False, True, 1)


        """).invoke("run", gradient, window);

    /// <summary>
    /// Gradients of an output's operands, as return values: nothing is written to anybody's <c>.grad</c>, to which
    /// other threads may add meanwhile. TorchSharp's own <c>autograd.grad</c> ends the process where libtorch throws.
    /// </summary>
    /// <param name="output">What autograd has recorded; it must require a gradient.</param>
    /// <param name="gradient">Its gradient.</param>
    /// <param name="operands">Leaves, at least one.</param>
    /// <returns>For each operand its gradient, or null where the output does not hang on it.</returns>
    public static Tensor?[] Gradients(Tensor output, Tensor gradient, Tensor[] operands)
    {
        // None is told by a tensor without dimensions and one more dimension is taken off the others, since the list
        // that comes back holds tensors alone.
        var found = (Tensor[])Unit("""
            def run(y: Tensor, g: Tensor, xs: List[Tensor]) -> List[Tensor]:
                gs: List[Optional[Tensor]] = [g]
                found = torch.autograd.grad([y], xs, gs, None, False, True)
                result: List[Tensor] = []
                for one in found:
                    if one is None:
                        result.append(torch.zeros([]))
                    else:
                        result.append(one.unsqueeze(0))
                return result


            """).invoke("run", output, gradient, operands);
        return Array.ConvertAll(found, one =>
        {
            using (one)
                return one.Dimensions == 0 ? null : one.squeeze(0);
        });
    }

    private static jit.CompilationUnit Unit(string script) => Units.GetOrAdd(script, jit.compile);

    /// <summary>Runs an operator with up to three results.</summary>
    /// <param name="wanted">Which are.</param>
    /// <param name="script">Makes the script from the results r[i] that it shall return, and their type.</param>
    /// <param name="operands">Its operands.</param>
    private static (Tensor?, Tensor?, Tensor?) Three(
        (bool, bool, bool) wanted, Func<string, string, string> script, params object[] operands)
    {
        string?[] all = [wanted.Item1 ? "r[0]" : null, wanted.Item2 ? "r[1]" : null, wanted.Item3 ? "r[2]" : null];
        string[] results = [.. all.OfType<string>()];
        if (results.Length == 0)
            return (null, null, null);

        var type = results.Length == 1 ? "Tensor" : $"Tuple[{string.Join(", ", results.Select(_ => "Tensor"))}]";
        var found = Unit(script(string.Join(", ", results), type)).invoke("run", operands);
        var tensors = new Queue<Tensor>(found switch
        {
            Tensor one => [one],
            (Tensor first, Tensor second) => [first, second],
            (Tensor first, Tensor second, Tensor third) => [first, second, third],
            _ => throw new InvalidOperationException(
                $"An operator of libtorch gave {found?.GetType().Name ?? "nothing"} where {type} was expected."),
        });
        return (wanted.Item1 ? tensors.Dequeue() : null, wanted.Item2 ? tensors.Dequeue() : null, wanted.Item3 ? tensors.Dequeue() : null);
    }

    private static string Name(Tensor? operand, string name) => operand is null ? "None" : name;

    private static string Flags((bool, bool, bool) values) => $"[{Flag(values.Item1)}, {Flag(values.Item2)}, {Flag(values.Item3)}]";

    private static string Flag(bool value) => value ? "True" : "False";

    private static string Number(double value) => double.IsFinite(value)
        ? value.ToString("R", CultureInfo.InvariantCulture)
        : $"float('{(double.IsNaN(value) ? "nan" : value > 0 ? "inf" : "-inf")}')";
}

/// <summary>The integers of a two-dimensional convolution, rows first.</summary>
internal readonly record struct ConvolutionArguments(Pair Stride, Pair Padding, Pair Dilation, long Groups)
{
    /// <summary>A step of one position, no padding, no dilation, one group.</summary>
    public static ConvolutionArguments Plain { get; } = new(new(1, 1), default, new(1, 1), 1);

    /// <summary>Whether it is a transposed one, without output padding.</summary>
    public bool IsTransposed { get; init; }
}

/// <summary>The integers of a pooling without padding, rows first.</summary>
internal readonly record struct PoolingArguments(Pair Kernel, Pair Stride, Pair Dilation);
