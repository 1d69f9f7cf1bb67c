using StreamingCnn.Interop;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace StreamingCnn.Execution.Probing;

/// <summary>
/// Keeps what a trial run might change of a module's and the library's state, and puts it back: buffers and the random generator.
/// </summary>
internal sealed class UntouchedModule : IDisposable
{
    private readonly (string Name, Tensor Buffer, Tensor Before)[] buffers;
    private readonly (string Name, Parameter Parameter, long Version)[] parameters;
    private readonly Tensor random;

    public UntouchedModule(nn.Module module)
    {
        buffers =
        [
            .. module.named_buffers().Select(named => (named.name, named.buffer, named.buffer.detach().clone().DetachFromDisposeScope())),
        ];
        parameters = [.. module.named_parameters().Select(named => (named.name, named.parameter, TensorVersion.Of(named.parameter)))];
        random = get_rng_state().DetachFromDisposeScope();
    }

    /// <summary>Refuses a module that has changed itself.</summary>
    /// <exception cref="ProbeException">A buffer or parameter is not what it was.</exception>
    public void Check()
    {
        var changed = buffers.Where(HasChanged).Select(buffer => buffer.Name)
            .Concat(parameters
                .Where(parameter => TensorVersion.Of(parameter.Parameter) != parameter.Version)
                .Select(parameter => parameter.Name))
            .FirstOrDefault();
        if (changed is not null)
            throw new ProbeException($"changes '{changed}' as it runs, which every tile would do again; call eval() if that stops it");
    }

    public void Dispose()
    {
        using (no_grad())
        {
            foreach (var buffer in buffers)
            {
                if (HasChanged(buffer))
                    buffer.Buffer.copy_(buffer.Before);
                buffer.Before.Dispose();
            }
        }

        set_rng_state(random);
        random.Dispose();
    }

    private static bool HasChanged((string Name, Tensor Buffer, Tensor Before) kept)
    {
        using var scope = NewDisposeScope();
        var (now, before) = (kept.Buffer, kept.Before);
        return !(now.eq(before) | (now.ne(now) & before.ne(before))).all().item<bool>();
    }
}
