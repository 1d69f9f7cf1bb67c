using CsCheck;
using StreamingCnn.Tests.Exactness;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Devices;

/// <summary>
/// Random networks on another device give what they give on the processor: no tensor of theirs is in the wrong place. Set
/// STREAMINGCNN_CASES to run more cases.
/// </summary>
public sealed class RandomDeviceTests : IDisposable
{
    private readonly string folder = Path.Combine(Path.GetTempPath(), $"streamingcnn-device-{Guid.NewGuid():N}");

    public void Dispose()
    {
        if (Directory.Exists(folder))
            Directory.Delete(folder, recursive: true);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_step_gives_what_it_gives_on_the_processor(bool looksAtWholeMaps)
    {
        OtherDevice.Get();
        FusionCase.Any(looksAtWholeMaps).Sample(CheckStep, iter: Cases.Or(1), threads: 1);
    }

    private void CheckStep(FusionCase c)
    {
        using var scope = NewDisposeScope();
        var sources = c.Sources();
        using var network = c.Network();
        using var moved = c.Network();
        moved.to(OtherDevice.Get());
        // The outputs' gradients, always the same. Of a bias before a norm nothing is left but the rounding of their sum, which moves
        // with them.
        Tensor[]? given = null;

        var here = Step(network, CPU);
        var there = Step(moved, OtherDevice.Get());

        ExactnessLaw.Holds(there, here, () => Step(network, CPU), [.. sources, .. network.parameters(), .. given!], network);

        StepResults Step(RandomFusion on, Device device)
        {
            var kept = new KeptBuffers(on);
            using var streaming = new StreamingNetwork(on, (c.Options(folder) with { ChannelsLast = null }).CatchingUp());
            Tensor[] leaves = [.. sources.Select(source => source.detach().to(device, copy: true).requires_grad_(source.requires_grad))];
            var outputs = streaming.forward(leaves);
            Assert.All(outputs, output => Assert.Equal(device.type, output.device_type));
            using var generator = new Generator((ulong)c.Seed + 1);
            given ??= [.. outputs.Select(output => randn(output.shape, ScalarType.Float64, generator: generator))];
            var wanted = Enumerable.Range(0, outputs.Length).Where(output => outputs[output].requires_grad).ToArray();
            if (wanted.Length > 0)
                autograd.backward([.. wanted.Select(output => outputs[output])], [.. wanted.Select(output => given[output].to(device))]);
            var results = StepResults.OfOutputs([.. outputs.Select(output => output.detach().cpu())]);
            foreach (var (source, leaf) in leaves.Index())
                results.AddGradient($"source {source}", leaf.grad?.cpu());
            foreach (var (name, parameter) in on.named_parameters())
            {
                Assert.Equal(device.type, parameter.grad?.device_type ?? device.type);
                results.AddGradient(name, parameter.grad?.cpu());
                parameter.grad = null;
            }

            foreach (var (name, buffer) in on.named_buffers())
                results.AddStatistic(name, buffer.cpu());
            kept.Restore();
            return results;
        }
    }
}
