using StreamingCnn.Interop;
using StreamingCnn.Tests.Exactness;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Interop.HeapProcesses;

/// <summary>
/// A training step, streamed and whole. Called in other load contexts by name, so it takes and gives what all of them know.
/// </summary>
public static class ComputedStep
{
    /// <summary>The worst relative difference of the outputs and all gradients.</summary>
    /// <param name="float64">The type of the numbers, else float32.</param>
    /// <param name="channelsLast">In which order maps lie in memory.</param>
    /// <param name="threads">How many go through one trunk at once, each with an image of its own.</param>
    public static double Difference(bool float64, bool channelsLast, int threads)
    {
        NativeCompatibility.Ensure();
        using var scope = NewDisposeScope();
        using var generator = new Generator((ulong)threads);
        var type = float64 ? ScalarType.Float64 : ScalarType.Float32;
        using var trunk = Sequential(
            Conv2d(3, 24, 5, stride: 2, padding: 2), SiLU(), MaxPool2d(3, 2, 1), Conv2d(24, 40, 3, padding: 1), SiLU(),
            ConvTranspose2d(40, 12, 2, 2), AvgPool2d(2), Conv2d(12, 24, 3, groups: 4)).to(type);
        foreach (var parameter in trunk.parameters())
        {
            using var grad = no_grad();
            parameter.copy_(randn(parameter.shape, type, generator: generator) * 0.2);
        }

        Tensor[] images =
            [.. Enumerable.Range(0, threads).Select(_ => randn([1, 3, 107, 90], type, generator: generator).requires_grad_())];
        using var streaming = new StreamingModule(trunk, new() { Tile = (48, 40), ChannelsLast = channelsLast });
        var streamed = Run(streaming, step => Task.WaitAll(
            [
                .. Enumerable.Range(0, threads)
                    .Select(thread => Task.Factory.StartNew(() => step(thread), TaskCreationOptions.LongRunning)),
            ]));
        var whole = Run(trunk, step => Enumerable.Range(0, threads).ToList().ForEach(step));
        return streamed.Zip(whole).Max(pair => Compare.RelativeError(pair.First, pair.Second));

        Tensor[] Run(Module<Tensor, Tensor> module, Action<Action<int>> all)
        {
            trunk.zero_grad();
            Array.ForEach(images, image => image.grad = null);
            var outputs = new Tensor[threads];
            all(number =>
            {
                using var inner = NewDisposeScope();
                var output = module.forward(images[number]);
                output.square().mean().backward();
                outputs[number] = output.detach().DetachFromDisposeScope();
            });
            return [.. outputs, .. images.Concat(trunk.parameters()).Select(tensor => tensor.grad!.clone())];
        }
    }

    /// <summary>Whether this copy of the library knows of a heap, and large tensors lie in it.</summary>
    public static bool UsesHeap()
    {
        using var tensor = ones(100_000);
        return TensorHeap.IsUsed && TensorHeap.Holds(Address(tensor));
    }

    /// <summary>Where a tensor's values lie.</summary>
    internal static unsafe long Address(Tensor tensor)
    {
        fixed (byte* first = tensor.bytes)
            return (long)first;
    }
}
