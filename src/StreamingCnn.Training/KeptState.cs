using static TorchSharp.torch;

namespace StreamingCnn.Training;

/// <summary>A copy of a model's weights and buffers, to go back to, and of the state of torch's random numbers.</summary>
internal sealed class KeptState : IDisposable
{
    private readonly (Tensor Place, Tensor Copy)[] state;
    private readonly Tensor numbers = random.get_rng_state();

    public KeptState(nn.Module model)
    {
        using var grad = no_grad();
        state = [.. model.state_dict().Values.Select(value => (value, value.detach().clone().DetachFromDisposeScope()))];
        numbers.DetachFromDisposeScope();
    }

    /// <summary>Puts all of it back.</summary>
    public void Restore()
    {
        using var grad = no_grad();
        foreach (var (place, copy) in state)
            place.copy_(copy);
        random.set_rng_state(numbers);
    }

    public void Dispose()
    {
        foreach (var (_, copy) in state)
            copy.Dispose();
        numbers.Dispose();
    }
}
